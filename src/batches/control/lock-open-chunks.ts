/** Locks the chunks of a batch that is resumed or retried. */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { postgresError } from "../../platform/postgres/database.ts";
import { SQLSTATE } from "../../platform/sqlstates.ts";

/** A worker gives up its rows within about a second, or after its running statement. */
const TIMEOUT_MS = 8000;
const POLL_MS = 50;

/**
 * Locks the open chunks of a batch that the caller has locked. Workers lock first the chunk, then the batch, so waiting
 * here could deadlock: this throws instead, and `retryWhileLocked` repeats the command.
 */
export async function lockOpenChunks(tx: Tx, batchId: string): Promise<void> {
  await tx.db.execute(
    sql`SELECT FROM rowmill.chunks WHERE batch_id = ${batchId} AND state <> 'done' FOR UPDATE NOWAIT`,
  );
}

/**
 * Repeats a command that calls `lockOpenChunks` until no worker is processing one of the chunks.
 * @throws DomainError `conflict` if that takes too long
 */
export async function retryWhileLocked<T>(command: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await command();
    } catch (error) {
      if (postgresError(error)?.code !== SQLSTATE.lockNotAvailable) throw error;
      if (performance.now() > deadline) {
        const message = "A worker is still stopping its work on this batch. Try again in a few seconds.";
        throw new DomainError("conflict", message, { retryAfterSeconds: 2, cause: error });
      }
      await sleep(POLL_MS);
    }
  }
}
