/**
 * A key is a title and an author, without regard to case. One book of an owner holds a key: uploads update or skip this
 * one. Other books with the same key, which users create by hand or with the mode `append`, are copies. If the holder is
 * removed, a copy stays a copy, because finding it would need an index that slows down every upload. The next book that
 * is created with the key, or the next copy that is edited, becomes the holder.
 */
import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { postgresError, underSavepoint } from "../platform/postgres/database.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import { BOOK_KEY } from "../schema/targets.ts";

/** Whether another book of the owner holds the key. A separate statement: a distributed INSERT may have no subquery. */
export async function isKeyTaken(
  { db }: Tx,
  userId: number,
  { title, author }: { readonly title: string; readonly author: string },
  exceptId = 0,
): Promise<boolean> {
  const { rows } = await db.execute<{ isTaken: boolean }>(sql`
    SELECT EXISTS (
      SELECT FROM rowmill.books AS other
      WHERE other.user_id = ${userId} AND other.id <> ${exceptId} AND other.key = (
        SELECT ${sql.raw(BOOK_KEY)} FROM (SELECT ${title}::text AS title, ${author}::text AS author) AS wanted)
    ) AS "isTaken"`);
  return rows[0]?.isTaken === true;
}

const MAX_ATTEMPTS = 5;

/** Runs a write that depends on `isKeyTaken`, and repeats it if another transaction takes the key at the same time. */
export async function retryOnKeyConflict<T>(tx: Tx, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await underSavepoint(tx, write);
    } catch (error) {
      const isTaken = postgresError(error)?.code === SQLSTATE.uniqueViolation;
      if (!isTaken || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
