import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { Permanent } from "../errors.ts";
import { decrypt } from "./encryption.ts";
import { keyWithId } from "./keys.ts";
import { fillPlaces, hasBrokenPlace, namesIn } from "./names.ts";
import { findSecrets } from "./queries.ts";
import { requireAllowed, type SecretUse } from "./use.ts";

interface Resolved<Key extends string> {
  /** The texts with the values of the secrets in their places. */
  readonly texts: Record<Key, string>;
  /** For `redact`: the values, also as JSON, URLs and base64 write them. */
  readonly hidden: readonly string[];
}

/**
 * Replaces `{{secret:NAME}}` in texts, such as the values of headers, just before they are sent. Call it outside of long
 * transactions: it records that the secrets were used.
 * @throws Permanent if a secret does not exist (`secret_unknown`), or may not be sent there (`secret_refused`)
 * @throws Retryable `secret_unreadable` if this process lacks the key
 */
export async function resolveSecrets<Key extends string>(
  ctx: Context,
  texts: Readonly<Record<Key, string>>,
  use: SecretUse,
): Promise<Resolved<Key>> {
  const entries = Object.entries<string>(texts) as [Key, string][];
  const names = namesIn(entries.map(([, text]) => text));
  const broken = entries.find(([, text]) => hasBrokenPlace(text));
  if (broken) throw new Permanent("secret_unknown", `"${broken[0]}" has \`{{secret\` without a valid name.`);
  const values = await readSecrets(ctx, names, use);
  const filled = entries.map(([key, text]) => [key, fillPlaces(text, values)]);
  return {
    texts: Object.fromEntries(filled) as Record<Key, string>,
    hidden: [...values.values()].flatMap(formsOf),
  };
}

/** As `resolveSecrets`. @returns the values by name */
export async function readSecrets(
  ctx: Context,
  names: readonly string[],
  use: SecretUse,
): Promise<ReadonlyMap<string, string>> {
  const found = await findSecrets(ctx, names);
  const missing = names.find((name) => !found.some((secret) => secret.name === name));
  if (missing !== undefined) {
    throw new Permanent("secret_unknown", `The secret ${missing} does not exist. An admin can set it.`);
  }
  for (const secret of found) requireAllowed(secret, use);
  const values = found.map((secret) => {
    const key = keyWithId(ctx.config, secret.keyId, secret.name);
    return [secret.name, decrypt(key, secret, secret.encrypted)] as const;
  });
  await recordUse(ctx, names);
  return new Map(values);
}

/** At most once per minute, and without waiting for others who do the same: many requests share a secret. */
async function recordUse({ db }: Context, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await db.execute(sql`
    UPDATE rowmill.secrets SET last_used_at = clock_timestamp() WHERE name IN (
      SELECT name FROM rowmill.secrets WHERE name = ANY(${sql.param([...names])}::text[])
        AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
      FOR UPDATE SKIP LOCKED)`);
}

/** A receiver may repeat what it got in another notation. @returns the texts to hide, for `redact` */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  return [
    ...new Set([
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value),
      bytes.toString("base64").replace(/=+$/, ""),
      bytes.toString("base64url"),
    ]),
  ];
}
