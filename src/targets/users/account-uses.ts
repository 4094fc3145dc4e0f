import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";

/** Tables on the node of the accounts, which one statement can read. */
const LOCAL = [
  "sessions",
  "refresh_tokens",
  "files",
  "tasks",
  "schedules",
  "workflows",
  "webhooks",
  "api_tokens",
];
/** Tables that a distributed database keeps elsewhere, so that each needs a statement. */
const DISTRIBUTED = ["batches", "books", "records"];

/**
 * Returns the accounts that somebody has logged in to, or that own something. The caller holds their locks, so that none
 * gets anything meanwhile. With LIMIT, each local table is one look-up per account.
 */
export async function findUsed(tx: Tx, ids: readonly number[]): Promise<ReadonlySet<number>> {
  if (ids.length === 0) return new Set();
  const isUsed = LOCAL.map(
    (table) =>
      sql`(SELECT true FROM rowmill.${sql.identifier(table)} WHERE user_id = account.id LIMIT 1) IS NOT NULL`,
  );
  const given = sql`${sql.param([...ids])}::bigint[]`;
  const statements = [
    sql`SELECT id FROM unnest(${given}) AS account (id) WHERE ${sql.join(isUsed, sql` OR `)}`,
    ...DISTRIBUTED.map(
      (table) =>
        sql`SELECT DISTINCT user_id AS id FROM rowmill.${sql.identifier(table)} WHERE user_id = ANY(${given})`,
    ),
  ];
  const used = new Set<number>();
  for (const statement of statements) {
    const { rows } = await tx.db.execute<{ id: string }>(statement);
    for (const { id } of rows) used.add(Number(id));
  }
  return used;
}
