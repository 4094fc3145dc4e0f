import { and, eq } from "drizzle-orm";
import { recordAudit } from "../audit/record-audit.ts";
import { type Context, inTransaction } from "../context.ts";
import { Retryable } from "../errors.ts";
import { secrets } from "../schema/secrets.ts";
import { decrypt, encrypt } from "./encryption.ts";
import { currentKey, keyWithId } from "./keys.ts";
import { findSecrets, listSecrets } from "./queries.ts";

interface Rotated {
  /** The secrets that are now encrypted with SECRETS_KEY and were not before. */
  readonly changed: readonly string[];
  /** Why others are not, by name. */
  readonly failed: Readonly<Record<string, string>>;
}

/** Encrypts all secrets with SECRETS_KEY. Safe to run twice, also while secrets are set and sent. */
export async function rotateSecrets(ctx: Context): Promise<Rotated> {
  const key = currentKey(ctx.config);
  const changed: string[] = [];
  const failed: Record<string, string> = {};
  for (const { name, keyId } of await listSecrets(ctx)) {
    if (keyId === key.id) continue;
    try {
      if (await encryptAgain(ctx, name)) changed.push(name);
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      failed[name] = error.message;
    }
  }
  if (changed.length > 0) {
    const entry = {
      action: "secrets.rotated",
      subject: { type: "secrets", id: "all" },
      details: { changed: changed.length },
    } as const;
    await inTransaction(ctx, (tx) => recordAudit(tx, entry));
  }
  return { changed, failed };
}

/** @returns false if the secret was set or deleted meanwhile */
function encryptAgain(ctx: Context, name: string): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const key = currentKey(tx.config);
    const [secret] = await findSecrets(tx, [name]);
    if (!secret || secret.keyId === key.id) return false;
    const value = decrypt(keyWithId(tx.config, secret.keyId, name), secret, secret.encrypted);
    const { rowCount } = await tx.db
      .update(secrets)
      .set({ keyId: key.id, encrypted: encrypt(key, secret, value) })
      .where(and(eq(secrets.name, name), eq(secrets.encrypted, secret.encrypted)));
    return rowCount === 1;
  });
}
