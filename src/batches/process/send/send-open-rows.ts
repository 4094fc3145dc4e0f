/** Sends the open rows of a chunk to the service of a group target: one request per delivery of the job. */
import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../../context.ts";
import { underSavepoint } from "../../../platform/postgres/database.ts";
import { Later } from "../../../platform/queue/later.ts";
import type { GroupAnswer, GroupAttempt, TargetRow, Values } from "../../../targets/target.ts";
import type { ChunkWork } from "../../batch-jobs.ts";
import { rowIdOf } from "../../ids.ts";
import type { OpenChunk } from "../../settle/lock-chunk.ts";
import { type ServiceState, type Settled, settleChunk } from "../../settle/settle-chunk.ts";
import type { RowOutcome } from "../../settle/store-results.ts";
import { StoredOutcomes } from "../../settle/stored-outcomes.ts";
import type { Signals } from "../../settle/watch-batch.ts";
import type { GroupInput } from "../read/chunk-input.ts";
import { openSlices, type Slice } from "../read/read-open-rows.ts";
import { validateRows } from "../read/validate-rows.ts";
import { repeatOnLockTrouble } from "../write/lock-trouble.ts";

/** The cells that are read for a request, or one row. A worker holds them until the answer comes. */
const READ_BYTES = 2 ** 20;

/**
 * @param ctx outside the transaction
 * @param tx holds the lock on the chunk and the place for the request
 */
export async function sendOpenRows(
  ctx: Context,
  tx: Tx,
  input: GroupInput,
  work: ChunkWork,
  chunk: OpenChunk,
  signals: Signals,
): Promise<Settled & { rows: number; attempt: number; rest: Later | null }> {
  const { target, batch, isDryRun } = input;
  const maxRetries = target.maxAttempts - 1;
  const outcomes = new StoredOutcomes(tx, chunk, { retryAfterSeconds: work.retryAfterSeconds, maxRetries });
  // The results of rows that were sent must not be lost. They are stored again if another transaction is in the way.
  const storing = <T>(store: () => Promise<T>) =>
    repeatOnLockTrouble(ctx, signals.delivery, () => underSavepoint(tx, store));
  const after = work.after ?? chunk.firstRow - 1;
  const bounds = work.bounds ?? [];
  const lastRow = bounds.at(-1) ?? chunk.lastRow;
  const slice = await readSlice(tx, chunk, after, lastRow);
  const { valid, invalid } = validateRows(input, slice.rows);
  await storing(() => outcomes.store(invalid));
  await allowSeconds(tx, target.maxSeconds);
  const answer = await send(ctx, tx, input, valid, {
    attempt: chunk.attempt,
    run: chunk.firstAttempt,
    rowIdOf: (row) => rowIdOf(batch.id, row),
    isDryRun,
    signal: signals.delivery,
  });
  signals.delivery.throwIfAborted();
  const decided = outcomesOf(answer, valid);
  await storing(() => outcomes.store(decided));
  const progress = progressOf(answer, { after, bounds, valid, lastRow: slice.lastRow, end: chunk.lastRow });
  const { counts, next } = await storing(() =>
    settleChunk(tx, chunk, outcomes, {
      isPartial: answer.kind === "stop" || signals.batch.aborted,
      isUnfinished: progress.after < chunk.lastRow,
      // A dry run has no effects that could be lost.
      keepsOutcomes: !isDryRun,
      service: serviceOf(answer),
      firstRetrySeconds: target.firstRetrySeconds,
    }),
  );
  const retryAfterSeconds = outcomes.retryAfterSeconds;
  const continued = {
    ...work,
    ...progress,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  const rows = invalid.length + decided.length;
  return { ...counts, rows, attempt: chunk.attempt, rest: next && laterOf(answer, continued) };
}

/** The memory of a slice is free for others before its rows are sent: a request can take long. */
async function readSlice(tx: Tx, chunk: OpenChunk, after: number, lastRow: number): Promise<Slice> {
  const range = { ...chunk, firstRow: after + 1, lastRow, sliceBytes: READ_BYTES };
  for await (const slice of openSlices(tx, range, "stop")) return slice;
  return { lastRow, rows: [] };
}

/** The connection is idle while the service works. */
export async function allowSeconds({ db }: Tx, seconds: number): Promise<void> {
  const ms = String(Math.ceil(seconds * 1000));
  await db.execute(sql`SELECT set_config('idle_in_transaction_session_timeout', ${ms}, true)`);
}

function send(
  ctx: Context,
  tx: Tx,
  { target, batch }: GroupInput,
  rows: readonly TargetRow<Values>[],
  attempt: GroupAttempt,
): Promise<GroupAnswer> {
  if (rows.length === 0) return Promise.resolve({ kind: "answered", outcomes: [] });
  return target.send(ctx, tx, batch, rows, attempt);
}

function outcomesOf(answer: GroupAnswer, rows: readonly TargetRow<Values>[]): RowOutcome[] {
  if (answer.kind === "answered")
    return answer.outcomes.flatMap((outcome, index) => {
      const row = rows[index]?.row;
      return row === undefined ? [] : [{ row, outcome }];
    });
  if (answer.kind !== "retry") return [];
  const { reason, afterSeconds = 0 } = answer;
  const outcome = { kind: "retry", reason, afterSeconds } as const;
  return rows.slice(0, answer.count).map(({ row }) => ({ row, outcome }));
}

interface Position {
  /** The last row that this attempt at the chunk has processed. */
  readonly after: number;
  /** Rows after which requests end, because a larger request was refused. The last one comes first. */
  readonly bounds: readonly number[];
}

interface Turn extends Position {
  readonly valid: readonly TargetRow<Values>[];
  /** The last row that was read. */
  readonly lastRow: number;
  /** The last row of the chunk. */
  readonly end: number;
}

function progressOf(
  answer: GroupAnswer,
  { after, bounds, valid, lastRow, end }: Turn,
): { after: number; bounds: number[] } {
  switch (answer.kind) {
    case "answered": {
      const isAll = answer.outcomes.length >= valid.length;
      const reached = isAll ? lastRow : (valid[answer.outcomes.length - 1]?.row ?? after);
      return { after: reached, bounds: bounds.filter((bound) => bound > reached) };
    }
    case "divide": {
      const middle = valid[(answer.count >> 1) - 1]?.row;
      if (middle === undefined) throw new Error("A request with one row cannot be divided.");
      return { after, bounds: [...bounds, middle] };
    }
    // The rows after these are sent with the next attempt, when the service may work again.
    case "retry":
      return { after: end, bounds: [] };
    case "wait":
    case "stop":
      return { after, bounds: [...bounds] };
  }
}

function serviceOf(answer: GroupAnswer): ServiceState | null {
  switch (answer.kind) {
    case "answered":
      return answer.outcomes.length > 0 ? { kind: "up" } : null;
    case "divide":
      return { kind: "up" };
    case "retry":
      return { kind: answer.isDown ? "down" : "busy", reason: answer.reason.message };
    case "stop":
      return answer;
    case "wait":
      return null;
  }
}

/** A wait takes no turn of the user. */
function laterOf(answer: GroupAnswer, work: ChunkWork): Later {
  if (answer.kind === "wait") return new Later(answer.afterSeconds, work, { isCounted: false });
  return new Later(0, work, { isLast: true });
}
