/** The transactions in which pg-boss runs a transactional job and completes it. */
import type { NodePgClient } from "drizzle-orm/node-postgres";
import type { Db } from "pg-boss";
import { type Database, databaseOn } from "../postgres/database.ts";

export interface JobTransaction {
  readonly db: Database;
  /** Runs once pg-boss has committed the transaction; never after a rollback. */
  readonly afterCommit: (() => void)[];
}

/**
 * Wraps the `commit` of every transaction that pg-boss opens, because pg-boss has no event for it.
 * @returns a function that finds the transaction of the `db` that pg-boss passes to a handler
 */
export function trackTransactions(db: Db): (handed: Db) => JobTransaction {
  const callbacks = new WeakMap<Db, (() => void)[]>();
  const begin = db.beginTransaction?.bind(db);
  if (!begin) throw new Error("pg-boss cannot open transactions on this database.");
  db.beginTransaction = async () => {
    const transaction = await begin();
    const afterCommit: (() => void)[] = [];
    callbacks.set(transaction.db, afterCommit);
    return {
      ...transaction,
      async commit() {
        await transaction.commit();
        for (const act of afterCommit) act();
      },
    };
  };
  return (handed) => {
    const afterCommit = callbacks.get(handed);
    if (!afterCommit) throw new Error("This transaction does not belong to a job.");
    return { db: databaseOn(asClient(handed)), afterCommit };
  };
}

/** A pg-boss transaction as the client drizzle expects: pg-boss passes `text` to node-postgres unchanged. */
function asClient(tx: Db): NodePgClient {
  const client = { query: (query: string, values?: unknown[]) => tx.executeSql(query, values) };
  return client as Pick<NodePgClient, "query"> as NodePgClient;
}
