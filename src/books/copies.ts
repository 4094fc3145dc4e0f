/**
 * One book of an owner holds a key (title and author, without regard to case): the one that uploads update or skip.
 * Made by hand, there may be more of the same; those are copies. A copy stays one when the holder goes, since finding
 * it would take an index that every row of an upload had to pay for: the next book of that key holds it, and a copy
 * does once it is edited.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { postgresError, underSavepoint } from "../platform/postgres/database.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import { BOOK_KEY } from "../schema/targets.ts";

/** Whether the owner has another book that holds this key. */
export function isKeyTaken(userId: number, title: string, author: string, exceptId = 0): SQL<boolean> {
  return sql<boolean>`EXISTS (
    SELECT FROM rowmill.books AS other
    WHERE other.user_id = ${userId} AND other.id <> ${exceptId} AND other.key = (
      SELECT ${sql.raw(BOOK_KEY)} FROM (SELECT ${title}::text AS title, ${author}::text AS author) AS wanted))`;
}

const MAX_ATTEMPTS = 5;

/** Runs a write that goes by `isKeyTaken`; again where another one takes the key at the same moment. */
export async function retryOnKeyConflict<T>(tx: Tx, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await underSavepoint(tx.db, write);
    } catch (error) {
      const isTaken = postgresError(error)?.code === SQLSTATE.uniqueViolation;
      if (!isTaken || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
