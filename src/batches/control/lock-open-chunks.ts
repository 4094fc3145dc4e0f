/** The locks on chunks that a batch's owner takes up again. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { postgresError } from "../../platform/postgres/database.ts";
import { SQLSTATE } from "../../platform/sqlstates.ts";

/** A worker gives rows up within a second, or when the statement ends that it is in. */
const PATIENCE_MS = 8000;
const LOOK_EVERY_MS = 50;

/**
 * Locks the open chunks of a batch that is locked. A worker locks its chunk first and then the batch, so this must not
 * wait for one: it throws, and `retryWhileLocked` tries all of it again.
 */
export async function lockOpenChunks(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(
    sql`SELECT FROM rowmill.chunks WHERE batch_id = ${batchId} AND state <> 'done' FOR UPDATE NOWAIT`,
  );
}

/**
 * Runs a command that holds chunks as soon as no worker has one of them in hand any more.
 * @throws DomainError `conflict` where that takes too long
 */
export async function retryWhileLocked<T>(command: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await command();
    } catch (error) {
      if (postgresError(error)?.code !== SQLSTATE.lockNotAvailable) throw error;
      if (performance.now() > deadline) {
        const message = "A worker is still giving up rows of this batch; try again in a few seconds.";
        throw new DomainError("conflict", message, { retryAfterSeconds: 2, cause: error });
      }
      await sleep(LOOK_EVERY_MS);
    }
  }
}
