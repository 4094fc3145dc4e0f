/** Undoes a batch whose rows went to a service: it asks the service, request by request, from the last row to the first. */
import { and, desc, eq, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import type { Payload } from "../../jobs.ts";
import { backoffSeconds } from "../../platform/queue/backoff.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { chunks } from "../../schema/batches.ts";
import type { GroupUndoAnswer, SentRow } from "../../targets/target.ts";
import { batchChanged } from "../batch-changes.ts";
import { rowIdOf } from "../ids.ts";
import type { GroupInput } from "../process/read/chunk-input.ts";
import { allowSeconds } from "../process/send/send-open-rows.ts";
import { repeatOnLockTrouble } from "../process/write/lock-trouble.ts";
import { markUndone } from "./mark-undone.ts";

/** Requests in a row that undo no row. After them, the undo ends, and the rest of the rows has failed. */
const MAX_FAILURES = 10;
/** The rows that are read for a request. */
const MAX_ROWS = 500;

/**
 * Requests of a process at a time. Each holds one of the few connections that a worker has for all but chunks, and needs
 * another one for a moment.
 */
const MAX_REQUESTS = 1;
const LOOK_AGAIN_SECONDS = 0.5;

let requests = 0;

type Progress = NonNullable<Payload<"undoBatch">["progress"]>;

interface Step {
  /** null: every chunk is undone. */
  readonly progress: Progress | null;
  readonly afterSeconds: number;
  /** Whether the wait takes a turn of the user. */
  readonly isCounted?: boolean;
}

/**
 * Makes one request. A repeated delivery sends the same rows again, with the same ids.
 * @returns null if every chunk is undone
 */
export async function reverseRemotely(
  ctx: Context,
  input: GroupInput,
  run: number,
  { signal }: Delivery,
  progress: Progress,
): Promise<Later | null> {
  const later = (next: Progress, afterSeconds: number, isCounted: boolean) =>
    new Later(afterSeconds, { batchId: input.batch.id, progress: next } satisfies Payload<"undoBatch">, {
      isCounted,
      isLast: true,
    });
  if (requests >= MAX_REQUESTS) return later(progress, LOOK_AGAIN_SECONDS, false);
  requests++;
  try {
    const step = await repeatOnLockTrouble(ctx, signal, () =>
      inTransaction(ctx, (tx) => reverseGroup(ctx, tx, input, { run, signal, progress })),
    );
    return step.progress && later(step.progress, step.afterSeconds, step.isCounted ?? true);
  } finally {
    requests--;
  }
}

interface Attempt {
  readonly run: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

async function reverseGroup(
  ctx: Context,
  tx: Tx,
  { target, batch }: GroupInput,
  { run, signal, progress }: Attempt,
): Promise<Step> {
  if (!target.sendUndo) throw new Error(`The target ${target.name} does not support undo.`);
  const chunk = await lockLastChunk(tx, batch.id);
  if (!chunk) return { progress: null, afterSeconds: 0 };
  const { failures = 0, maxRows = MAX_ROWS, gaveUp } = progress;
  if (gaveUp !== undefined) {
    await failRemaining(tx, batch.id, chunk, gaveUp);
    await closeChunk(tx, batch.id, chunk);
    return { progress, afterSeconds: 0 };
  }
  const rows = await remainingRows(tx, batch.id, chunk, maxRows);
  if (rows.length === 0) {
    await closeChunk(tx, batch.id, chunk);
    return { progress, afterSeconds: 0 };
  }
  await allowSeconds(tx, target.maxSeconds);
  const answer = await target.sendUndo(ctx, tx, batch, rows, {
    attempt: failures + 1,
    run,
    rowIdOf: (row) => rowIdOf(batch.id, row),
    isDryRun: false,
    signal,
  });
  signal.throwIfAborted();
  if (answer.kind === "answered")
    await markUndone(
      tx,
      batch.id,
      rows.flatMap(({ row }, index) => {
        const outcome = answer.outcomes[index];
        return outcome ? [{ row, outcome }] : [];
      }),
    );
  return stepAfter(answer, progress, target.firstRetrySeconds);
}

function stepAfter(answer: GroupUndoAnswer, progress: Progress, firstSeconds: number): Step {
  const { failures = 0, maxRows = MAX_ROWS } = progress;
  switch (answer.kind) {
    case "answered":
      if (answer.outcomes.every((outcome) => outcome === undefined))
        return failedStep("The endpoint asks to undo the rows again.", progress, firstSeconds);
      return { progress: { maxRows: Math.min(MAX_ROWS, maxRows * 2) }, afterSeconds: 0 };
    case "divide":
      return { progress: { failures, maxRows: Math.max(1, answer.count >> 1) }, afterSeconds: 0 };
    case "retry":
      return failedStep(answer.reason.message, progress, firstSeconds, answer.afterSeconds);
    case "wait":
      return { progress, afterSeconds: answer.afterSeconds, isCounted: false };
    case "stop":
      return { progress: { gaveUp: answer.reason }, afterSeconds: 0 };
  }
}

function failedStep(reason: string, progress: Progress, firstSeconds: number, afterSeconds = 0): Step {
  const failures = (progress.failures ?? 0) + 1;
  if (failures >= MAX_FAILURES) {
    const gaveUp = `Gave up after ${failures} attempts: ${reason} Undo the batch again to continue.`;
    return { progress: { gaveUp }, afterSeconds: 0 };
  }
  const wait = Math.max(afterSeconds, backoffSeconds(failures, { firstSeconds, maxSeconds: 3600 }));
  return { progress: { ...progress, failures }, afterSeconds: wait, isCounted: false };
}

interface UndoneChunk {
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Also waits for a worker that is still processing the chunk after the batch was cancelled. */
async function lockLastChunk(tx: Tx, batchId: string): Promise<UndoneChunk | undefined> {
  const [chunk] = await tx.db
    .select({ firstRow: chunks.firstRow, lastRow: chunks.lastRow })
    .from(chunks)
    .where(and(eq(chunks.batchId, batchId), eq(chunks.isUndone, false)))
    .orderBy(desc(chunks.firstRow))
    .limit(1)
    .for("update");
  return chunk;
}

const inChunk = (batchId: string, { firstRow, lastRow }: UndoneChunk) => sql`
  batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow} AND status = 'success'
    AND effect IN ('created', 'updated')`;

/** `undo-batch.ts` has removed the marks of an earlier undo, so a mark is one of this undo. */
async function remainingRows(tx: Tx, batchId: string, chunk: UndoneChunk, limit: number): Promise<SentRow[]> {
  const { rows } = await tx.db.execute<SentRow & Record<string, unknown>>(sql`
    SELECT row_number AS row, record_key AS "recordKey", effect FROM rowmill.row_results
    WHERE ${inChunk(batchId, chunk)} AND undo IS NULL ORDER BY row_number DESC LIMIT ${limit}`);
  return rows;
}

async function failRemaining(tx: Tx, batchId: string, chunk: UndoneChunk, reason: string): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.row_results SET undo = 'failed', undo_reason = ${reason}
    WHERE ${inChunk(batchId, chunk)} AND undo IS NULL`);
}

async function closeChunk(tx: Tx, batchId: string, chunk: UndoneChunk): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.chunks SET is_undone = true, (reversed, kept, undo_failed) = (
      SELECT count(*) FILTER (WHERE undo = 'reversed'), count(*) FILTER (WHERE undo = 'kept'),
        count(*) FILTER (WHERE undo = 'failed')
      FROM rowmill.row_results WHERE ${inChunk(batchId, chunk)}
    )
    WHERE batch_id = ${batchId} AND first_row = ${chunk.firstRow}`);
  await batchChanged(tx, batchId);
}
