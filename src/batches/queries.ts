/** Reads of batches. Every one is bound to the user who asks. */
import { and, desc, eq, isNull, lt, ne, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { batches } from "../schema/batches.ts";
import { hasEnded, leavesRows, MAY_RUN_STATES } from "./state.ts";
import type { BatchView, Counts } from "./views.ts";

/** Sums over a batch's chunks. */
interface Sums {
  readonly succeeded: number;
  readonly failed: number;
  readonly processing: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly reversed: number;
  readonly kept: number;
  readonly undoFailed: number;
}

export type StoredBatch = typeof batches.$inferSelect & Sums;

/** A few hundred chunks for a million rows. */
const sums = sql`(
  SELECT json_build_object(
    'succeeded', coalesce(sum(succeeded), 0),
    'failed', coalesce(sum(failed), 0),
    'processing', coalesce(sum(row_count - succeeded - failed) FILTER (WHERE state = 'processing'), 0),
    'created', coalesce(sum(created), 0),
    'updated', coalesce(sum(updated), 0),
    'unchanged', coalesce(sum(unchanged), 0),
    'reversed', coalesce(sum(reversed), 0),
    'kept', coalesce(sum(kept), 0),
    'undoFailed', coalesce(sum(undo_failed), 0)
  ) FROM chunks WHERE chunks.batch_id = ${batches.id}
)`.mapWith((value: Sums) => value);

/** What is being deleted is gone for those who ask, and what corrects another is a part of that. */
const isShown = and(ne(batches.state, "deleting"), isNull(batches.correctionOf));

async function selectBatches(ctx: Context, where: SQL | undefined, limit: number): Promise<StoredBatch[]> {
  const rows = await ctx.db
    .select({ batch: batches, sums })
    .from(batches)
    .where(where)
    .orderBy(desc(batches.id))
    .limit(limit);
  return rows.map((row) => ({ ...row.batch, ...row.sums }));
}

/** The read that clients poll: a named statement, so that a connection plans it once (0.2 ms instead of 0.6). */
const batchOfUser = (db: Context["db"]) =>
  db
    .select({ batch: batches, sums })
    .from(batches)
    .where(
      and(eq(batches.id, sql.placeholder("batchId")), eq(batches.userId, sql.placeholder("userId")), isShown),
    )
    .prepare("batch_of_user");

const prepared = new WeakMap<Context["db"], ReturnType<typeof batchOfUser>>();

/** @throws DomainError `not_found`, also where the batch is somebody else's */
export async function getBatch({ db }: Context, userId: number, batchId: string): Promise<StoredBatch> {
  const statement = prepared.get(db) ?? batchOfUser(db);
  prepared.set(db, statement);
  const [found] = await statement.execute({ batchId, userId });
  if (!found) throw notFound("batch");
  return { ...found.batch, ...found.sums };
}

/** Newest first: ids begin with their time. `before` is the last id of the page before. */
export async function listBatches(
  ctx: Context,
  userId: number,
  before: string | null,
  limit: number,
): Promise<StoredBatch[]> {
  const older = before === null ? undefined : lt(batches.id, before);
  return selectBatches(ctx, and(eq(batches.userId, userId), isShown, older), limit);
}

/** Whether all of it is written in one transaction, so that until its end nothing of it is certain. */
export function isWhole({ isDryRun, policy }: Pick<StoredBatch, "isDryRun" | "policy">): boolean {
  return isDryRun || policy === "atomic";
}

/** Nothing of it is written yet, or ever was, whatever its chunks say. */
function isTentative(batch: StoredBatch): boolean {
  return (
    isWhole(batch) && (batch.state === "validated" || MAY_RUN_STATES.some((state) => state === batch.state))
  );
}

/** Each row is in exactly one of these. */
function countRows(batch: StoredBatch): Counts {
  const { succeeded, failed, reversed, totalRows: total, state } = batch;
  const kept = isTentative(batch) ? 0 : succeeded;
  const success = kept - reversed;
  const open = total - failed - kept;
  const isRunning = state === "processing";
  const processing = isRunning ? batch.processing + succeeded - kept : 0;
  const unprocessed = leavesRows(state) ? open : 0;
  const pending = open - processing - unprocessed;
  return { total, pending, processing, success, failed, unprocessed, undone: reversed };
}

export function viewBatch(batch: StoredBatch, now: Date): BatchView {
  const { succeeded, failed, totalRows } = batch;
  const done = succeeded + failed;
  const seconds = batch.startedAt
    ? ((batch.finishedAt ?? now).getTime() - batch.startedAt.getTime()) / 1000
    : 0;
  const isUndo = batch.state === "undoing" || batch.state === "undone";
  const rate = done > 0 && seconds > 0 && !isUndo ? done / seconds : null;
  const isHeld = rate === null || batch.state === "paused";
  const secondsLeft = hasEnded(batch.state) ? 0 : isHeld ? null : (totalRows - done) / rate;
  const { created, updated, unchanged, reversed, kept, undoFailed } = batch;
  return {
    id: batch.id,
    number: batch.number,
    target: batch.target,
    filename: batch.filename,
    sha256: batch.contentHash?.toString("hex") ?? null,
    state: batch.state,
    counts: countRows(batch),
    reason: batch.reason,
    records: isTentative(batch) && !batch.isDryRun ? NO_RECORDS : { created, updated, unchanged },
    undo: isUndo ? { reversed, kept, failed: undoFailed } : null,
    header: batch.header,
    mapping: Object.fromEntries(
      Object.entries(batch.mapping).map(([column, at]) => [column, batch.header[at] ?? ""]),
    ),
    dialect: batch.dialect,
    warnings: batch.warnings ?? {},
    mode: batch.mode,
    policy: batch.policy,
    dry_run: batch.isDryRun,
    max_errors: batch.maxErrors,
    rows_per_second_limit: batch.rowsPerSecond,
    row_delay_ms: batch.rowDelayMs,
    rows_per_second: rate === null ? null : tenths(rate),
    seconds_left: secondsLeft === null ? null : tenths(secondsLeft),
    created_at: batch.createdAt.toISOString(),
    queued_at: batch.queuedAt?.toISOString() ?? null,
    started_at: batch.startedAt?.toISOString() ?? null,
    finished_at: batch.finishedAt?.toISOString() ?? null,
  };
}

const NO_RECORDS = { created: 0, updated: 0, unchanged: 0 };

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
