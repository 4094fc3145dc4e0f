import { count, eq, sql } from "drizzle-orm";
import { recordAudit } from "../audit/record-audit.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError, invalidField } from "../errors.ts";
import { secrets } from "../schema/secrets.ts";
import { encrypt } from "./encryption.ts";
import { currentKey } from "./keys.ts";
import { getSecret, type ListedSecret } from "./queries.ts";
import { canonicalHost } from "./use.ts";

export const MAX_SECRETS = 200;

interface NewSecret {
  readonly value: string;
  readonly hosts: readonly string[];
  readonly isShared: boolean;
}

/** Creates a secret, or replaces it as a whole. @throws DomainError `conflict` without a key, or if there are too many */
export function setSecret(ctx: Context, name: string, { value, ...rules }: NewSecret): Promise<ListedSecret> {
  const hosts = [...new Set(rules.hosts.map(requireHost))].sort();
  const { isShared } = rules;
  if (isShared && hosts.length === 0)
    throw invalidField(
      "hosts",
      "is required if all users may use the secret: otherwise they could send it to any host.",
    );
  return inTransaction(ctx, async (tx) => {
    const key = currentKey(tx.config);
    const changes = {
      ...{ hosts, isShared, keyId: key.id, encrypted: encrypt(key, { name, hosts, isShared }, value) },
      ...{ setBy: tx.actor?.id ?? null, setByName: tx.actor?.username ?? null },
      setAt: sql`statement_timestamp()`,
    };
    await tx.db
      .insert(secrets)
      .values({ name, ...changes })
      .onConflictDoUpdate({ target: secrets.name, set: { ...changes, lastUsedAt: null } });
    const [stored] = await tx.db.select({ count: count() }).from(secrets);
    if ((stored?.count ?? 0) > MAX_SECRETS)
      throw new DomainError(
        "conflict",
        `There are ${MAX_SECRETS} secrets, the most that are kept. Delete one first.`,
      );
    const details = { hosts, shared: isShared };
    await recordAudit(tx, { action: "secret.set", subject: { type: "secret", id: name }, details });
    return getSecret(tx, name);
  });
}

function requireHost(host: string, index: number): string {
  const canonical = canonicalHost(host);
  if (canonical === null) throw invalidField(`hosts.${index}`, `is "${host}", which no URL can name.`);
  return canonical;
}

/** Requests that need it fail from now on. @throws DomainError `not_found` */
export function deleteSecret(ctx: Context, name: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    await getSecret(tx, name);
    const { rowCount } = await tx.db.delete(secrets).where(eq(secrets.name, name));
    if (rowCount) await recordAudit(tx, { action: "secret.deleted", subject: { type: "secret", id: name } });
  });
}
