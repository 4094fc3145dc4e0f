import { asc, eq, getTableColumns, inArray } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { secrets } from "../schema/secrets.ts";

export type StoredSecret = typeof secrets.$inferSelect;
export type ListedSecret = Omit<StoredSecret, "encrypted">;

const { encrypted: _, ...listed } = getTableColumns(secrets);

/** At most MAX_SECRETS, by name. */
export function listSecrets({ db }: Pick<Context, "db">): Promise<ListedSecret[]> {
  return db.select(listed).from(secrets).orderBy(asc(secrets.name));
}

/** @throws DomainError `not_found` */
export async function getSecret({ db }: Pick<Context, "db">, name: string): Promise<ListedSecret> {
  const [secret] = await db.select(listed).from(secrets).where(eq(secrets.name, name));
  if (!secret) throw notFound("secret");
  return secret;
}

export function findSecrets({ db }: Pick<Context, "db">, names: readonly string[]): Promise<StoredSecret[]> {
  if (names.length === 0) return Promise.resolve([]);
  return db
    .select()
    .from(secrets)
    .where(inArray(secrets.name, [...names]));
}
