/** The transactions in which transactional jobs run and are completed, on the connections of the queue. */
import type { NodePgClient } from "drizzle-orm/node-postgres";
import type { Db } from "pg-boss";
import { runAll } from "../callbacks.ts";
import type { Log } from "../log.ts";
import { type OpenTransaction, transactionOn } from "../postgres/database.ts";

/** Runs `work` in a transaction that commits when `work` returns. */
export async function inJobTransaction<T>(
  db: Db,
  log: Log,
  work: (tx: OpenTransaction) => Promise<T>,
): Promise<T> {
  const transaction = await db.beginTransaction?.();
  if (!transaction) throw new Error("pg-boss cannot open transactions on this database.");
  const afterCommit: (() => void)[] = [];
  let result: T;
  try {
    result = await work({ db: transactionOn(asClient(transaction.db)), afterCommit });
    await transaction.commit();
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
  runAll(afterCommit, log);
  return result;
}

/** The connections or a transaction of pg-boss as the client drizzle expects: pg-boss passes `text` to node-postgres unchanged. */
export function asClient(db: Pick<Db, "executeSql">): NodePgClient {
  const client = { query: (query: string, values?: unknown[]) => db.executeSql(query, values) };
  return client as Pick<NodePgClient, "query"> as NodePgClient;
}
