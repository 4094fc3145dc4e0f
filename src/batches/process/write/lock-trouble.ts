/**
 * Keeps transactions that write the same records out of each other's way. A chunk shares the records of its owner with
 * other chunks. A whole batch has them for itself, and so has a chunk after another transaction was in its way: it cannot
 * deadlock again. Each running job holds one advisory lock, so the lock table of PostgreSQL does not grow with the rows.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../../context.ts";
import { isLockTrouble, setLockTimeout } from "../../../platform/postgres/database.ts";
import { isRemote } from "../../../targets/target.ts";
import type { RowsInput } from "../read/chunk-input.ts";
import { endStatementOnAbort } from "./end-statement.ts";

/** Shorter than the limit of a chunk job. Then the delivery fails and the job is delivered again. */
const MAX_WAIT_MS = 600_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5000;

/**
 * Repeats work as long as other transactions are in its way. This uses up no attempt, and no row fails because of it.
 * @param work rolls back its own changes if it throws, so that it holds no lock while this waits
 * @throws the reason of the signal, or the last error if the work takes longer than `maxMs`
 */
export async function repeatOnLockTrouble<T>(
  { log }: Pick<Context, "log">,
  signal: AbortSignal,
  work: (failures: number) => Promise<T>,
  maxMs = MAX_WAIT_MS,
): Promise<T> {
  const deadline = performance.now() + maxMs;
  for (let failures = 0; ; ) {
    try {
      return await work(failures);
    } catch (error) {
      // A statement that the signal has cancelled fails with the same code as one that took too long.
      signal.throwIfAborted();
      if (!isLockTrouble(error) || performance.now() > deadline) throw error;
      failures++;
      log.warn({ err: error, failures }, "another transaction is in the way; trying again");
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures) * (0.5 + Math.random() / 2);
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    }
  }
}

/**
 * The lock timeout of a chunk while another transaction has the records for itself. It is shorter than the
 * `deadlock_timeout` of PostgreSQL, so the chunk gives way and not the other transaction.
 */
const GIVE_WAY_AFTER = "500ms";

/** How a chunk has the records of its owner. */
export interface RecordsShare {
  /** Whether no other transaction has the records for itself. */
  readonly isShared: boolean;
  /** The process of the server that runs the transaction. Absent: it was not read. */
  readonly pid?: number;
}

/** Shares the records with other chunks until the end of the transaction. It never waits. */
export async function shareRecords(tx: Tx, input: RowsInput): Promise<RecordsShare> {
  const lock = recordsLock(input);
  if (!lock) return { isShared: true };
  const { rows } = await tx.db.execute<{ isShared: boolean; pid: number }>(
    sql`SELECT pg_try_advisory_xact_lock_shared(${lock}) AS "isShared", pg_backend_pid() AS pid`,
  );
  const share: RecordsShare = rows[0] ?? { isShared: false };
  if (!share.isShared) await tx.db.execute(setLockTimeout(GIVE_WAY_AFTER));
  return share;
}

/** Waits until no other transaction writes the records. The caller holds no lock yet. */
export async function reserveRecords(
  ctx: Context,
  tx: Tx,
  input: RowsInput,
  signal: AbortSignal,
): Promise<void> {
  const lock = recordsLock(input);
  if (!lock) return;
  await using _ = await endStatementOnAbort(ctx, tx, signal);
  await tx.db.execute(sql`SELECT pg_advisory_xact_lock(${lock})`);
}

/** Null: the target does not write in this transaction. */
function recordsLock({ target, batch }: RowsInput) {
  if (isRemote(target)) return null;
  const { recordsName = target.name, isKeyShared } = target;
  const records = isKeyShared ? recordsName : `${recordsName} of ${batch.userId}`;
  return sql`hashtextextended(${`rowmill: ${records}`}, 0)`;
}
