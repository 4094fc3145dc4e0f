/** What the API shows of a batch and its rows: the schemas, and how a stored one becomes an answer. */
import Type, { type Static } from "typebox";
import { versionOf } from "../platform/http/etag.ts";
import { Moment, NullableMoment } from "../platform/http/schemas.ts";
import { batchMode, batchPolicy, batchState } from "../schema/batches.ts";
import type { StoredBatch } from "./queries.ts";
import { hasEnded, isWhole, leavesRows, MAY_RUN_STATES } from "./state.ts";

export const RowStatus = Type.Enum(["pending", "processing", "success", "failed", "unprocessed", "undone"], {
  description:
    "unprocessed: its batch ended before it was its turn. undone: it succeeded, and its record was put back.",
});

export type RowStatus = Static<typeof RowStatus>;

export const NotReversed = Type.Enum(["kept", "failed"], {
  description:
    "Only rows whose records undoing the batch did not put back: kept because they were changed since, or failed.",
});

export type NotReversed = Static<typeof NotReversed>;

const Counts = Type.Object(
  {
    total: Type.Integer({ description: "Rows in the file; grows while it is being received." }),
    pending: Type.Integer(),
    processing: Type.Integer(),
    success: Type.Integer(),
    failed: Type.Integer(),
    unprocessed: Type.Integer(),
    undone: Type.Integer(),
  },
  {
    description:
      "Rows by status; they add up to `total`. Costs the same to read for ten rows and for ten million.",
  },
);

type Counts = Static<typeof Counts>;

export const BatchView = Type.Object(
  {
    id: Type.String({ format: "uuid" }),
    number: Type.Integer({ description: "The same batch, for those who count." }),
    target: Type.String({ description: "What the rows become." }),
    filename: Type.String(),
    sha256: Type.Union([Type.String(), Type.Null()], { description: "Of the file's bytes." }),
    state: Type.Enum(batchState.enumValues, {
      description:
        "receiving: the file is being stored. queued: all of it is stored, no worker has begun. processing. paused. " +
        "validated: the dry run is over. completed: every row succeeded. completed_with_errors: every row has a " +
        "result, some failed. failed: its policy ended it. cancelled. undoing, undone: its records are put back.",
    }),
    counts: Counts,
    reason: Type.Union([Type.String(), Type.Null()], { description: "Why it is in this state." }),
    records: Type.Object(
      { created: Type.Integer(), updated: Type.Integer(), unchanged: Type.Integer() },
      {
        description:
          "What the rows that succeeded did to the target's records. Of a dry run: what they would do.",
      },
    ),
    undo: Type.Union(
      [Type.Object({ reversed: Type.Integer(), kept: Type.Integer(), failed: Type.Integer() }), Type.Null()],
      { description: "Records put back, kept because they were changed since, and those that could not be." },
    ),
    header: Type.Array(Type.String(), { description: "The file's columns, made unique where names repeat." }),
    mapping: Type.Record(Type.String(), Type.String(), {
      description: "The target's columns that were found, and which of the file's columns each is.",
    }),
    dialect: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      description: "How the file was read: encoding, delimiter, quote, escape, line ends.",
    }),
    warnings: Type.Record(Type.String(), Type.Integer(), {
      description: "What was mended while reading, by kind: how many rows.",
    }),
    mode: Type.Enum(batchMode.enumValues),
    policy: Type.Enum(batchPolicy.enumValues),
    dry_run: Type.Boolean({ description: "Only checked so far; commit it to write records." }),
    max_errors: Type.Union([Type.String(), Type.Null()]),
    rows_per_second_limit: Type.Union([Type.Integer(), Type.Null()]),
    row_delay_ms: Type.Integer({ description: "Simulated processing time of a row." }),
    rows_per_second: Type.Union([Type.Number(), Type.Null()], {
      description: "Rows with a result a second, from the start on.",
    }),
    seconds_left: Type.Union([Type.Number(), Type.Null()], {
      description: "Estimated from the rate so far.",
    }),
    created_at: Moment("When the upload began."),
    queued_at: NullableMoment("When all of it was stored."),
    started_at: NullableMoment("When a worker took the first rows."),
    finished_at: NullableMoment("When it ended: it will not change any more by itself."),
  },
  {
    $id: "Batch",
    examples: [
      {
        id: "01a20159-f320-7af5-a6be-a1fe00000000",
        number: 1,
        target: "books",
        filename: "books.csv",
        sha256: "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92",
        state: "processing",
        reason: null,
        counts: {
          total: 320,
          pending: 120,
          processing: 100,
          success: 96,
          failed: 4,
          unprocessed: 0,
          undone: 0,
        },
        records: { created: 96, updated: 0, unchanged: 0 },
        undo: null,
        header: ["Title", "Book Author"],
        mapping: { title: "Title", author: "Book Author" },
        dialect: { encoding: "utf-8", delimiter: ",", quote: '"', newline: "lf" },
        warnings: {},
        mode: "insert",
        policy: "partial",
        dry_run: false,
        max_errors: null,
        rows_per_second_limit: null,
        row_delay_ms: 500,
        rows_per_second: 150.3,
        seconds_left: 1.5,
        created_at: "2026-11-22T03:43:21.893Z",
        queued_at: "2026-11-22T03:43:21.923Z",
        started_at: "2026-11-22T03:43:22.950Z",
        finished_at: null,
      },
    ],
  },
);

export type BatchView = Static<typeof BatchView>;

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

/** Of what is stored: rate and time left change with the clock alone. */
export function batchVersion(view: BatchView): string {
  return versionOf({ ...view, rows_per_second: null, seconds_left: null });
}
