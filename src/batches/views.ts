/** Batches in answers. */
import Type, { type Static } from "typebox";
import type { Context } from "../context.ts";
import { AllowedActions } from "../platform/http/allowed-actions.ts";
import { versionOf } from "../platform/http/etag.ts";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { batchMode, batchPolicy, batchState } from "../schema/batches.ts";
import { allowedActions, BATCH_ACTIONS } from "./allowed-actions.ts";
import { BATCH_EXAMPLE } from "./batch-example.ts";
import type { ListedBatch, StoredBatch } from "./queries.ts";
import { hasEnded, isWhole, leavesUnprocessed, MAY_RUN_STATES } from "./state.ts";

export const RowStatus = Type.Enum(["pending", "processing", "success", "failed", "unprocessed", "undone"], {
  description:
    "pending: waits for a worker. processing: a worker has it. success, failed: the result. unprocessed: the batch " +
    "ended first. undone: it had succeeded, and undoing the batch reverted its record.",
});

export type RowStatus = Static<typeof RowStatus>;

export const NotReversed = Type.Enum(["kept", "failed"], {
  description:
    "Only rows whose records were not reverted when the batch was undone. kept: the record was changed later. failed: " +
    "the target could not revert it. Cannot be combined with `status`.",
});

export type NotReversed = Static<typeof NotReversed>;

const Counts = Type.Object(
  {
    total: Type.Integer({ description: "All rows of the file. Grows while the upload is being received." }),
    pending: Type.Integer({ description: "Rows that wait for a worker." }),
    processing: Type.Integer({ description: "Rows that a worker has." }),
    success: Type.Integer({ description: "Rows that succeeded." }),
    failed: Type.Integer({ description: "Rows that failed." }),
    unprocessed: Type.Integer({ description: "Rows without a result when the batch ended." }),
    undone: Type.Integer({ description: "Rows whose records were reverted." }),
  },
  {
    description:
      "Rows by status. They add up to `total`. Reading them takes the same time for ten rows and for ten million.",
    examples: [
      { total: 320, pending: 120, processing: 100, success: 96, failed: 4, unprocessed: 0, undone: 0 },
    ],
  },
);

type Counts = Static<typeof Counts>;

export const BatchView = Type.Object(
  {
    id: { ...Uuid, description: "The id of the batch." },
    number: Type.Integer({ description: "A short number for the same batch, counted up per installation." }),
    target: Type.String({ description: "The target that the rows are imported into." }),
    target_version: nullable(
      Type.Integer(),
      "The version of the target that the batch keeps. null: the target is a part of Rowmill.",
    ),
    filename: Type.String({ description: "The name of the uploaded file." }),
    sha256: nullable(Type.String(), "SHA-256 of the file, in hexadecimal. null while it is being received."),
    state: Type.Enum(batchState.enumValues, {
      description:
        "receiving: the file is being stored. queued: the file is stored and no worker has started. processing: workers " +
        "process the rows. paused: no rows are taken until it is resumed. validated: the dry run has finished. completed: " +
        "every row succeeded. completed_with_errors: every row has a result and some failed. failed: the policy or " +
        "`max_errors` ended it. cancelled: a user ended it. undoing: its records are being reverted. undone: its records " +
        "were reverted. deleting: it is being removed.",
    }),
    counts: Counts,
    reason: nullable(Type.String(), "Why the batch is in this state, if there is more to say."),
    waiting: nullable(
      Type.Object({
        rows: Type.Integer({ description: "How many of the pending rows wait." }),
        until: Moment("When the first of them is tried again."),
        message: Type.String({ description: "Why the first of them waits. Each row has its own reason." }),
      }),
      "Rows that wait because a service, such as the mail server, cannot take them now. They use up no attempts.",
    ),
    records: Type.Object(
      {
        created: Type.Integer({ description: "Records that were created." }),
        updated: Type.Integer({ description: "Records that were updated." }),
        unchanged: Type.Integer({ description: "Records that stayed as they were." }),
      },
      {
        description:
          "The effect of successful rows on the target's records; for a dry run, the expected effect.",
      },
    ),
    undo: nullable(
      Type.Object({
        reversed: Type.Integer({ description: "Records that were reverted." }),
        kept: Type.Integer({ description: "Records that were kept because they were changed later." }),
        failed: Type.Integer({ description: "Records that the target could not revert." }),
      }),
      "The result of undoing the batch. null: the batch was not undone.",
    ),
    header: Type.Array(Type.String(), {
      description: "The columns of the file. Repeated names get a suffix.",
    }),
    mapping: MapOf(Type.String(), {
      description: "For each column of the target that was found, the column of the file.",
    }),
    dialect: nullable(
      MapOf(Type.Unknown()),
      "How the file was read: encoding, delimiter, quote, escape, line ends, header and rows above it; for an Excel workbook, " +
        "`format` is `xlsx`, and `sheet` is the name of the sheet. " +
        "`encoding_confidence`, `delimiter_confidence` and `header_confidence` say how sure the guesses are, from 0 to 1.",
    ),
    warnings: MapOf(Type.Integer(), {
      description:
        "The number of rows that the reader had to repair or left out, by reason: missing_fields, extra_fields, " +
        "replaced_characters, guessed_characters, blank_rows, repeated_headers, other_table_rows.",
    }),
    mode: Type.Enum(batchMode.enumValues, { description: "How to handle a row whose key is taken." }),
    policy: Type.Enum(batchPolicy.enumValues, {
      description: "partial: each row counts on its own. atomic: all rows or none.",
    }),
    dry_run: Type.Boolean({ description: "The rows are only checked. Commit the batch to write records." }),
    max_errors: nullable(Type.String(), "The number or percentage of failed rows that ends the batch."),
    rows_per_second_limit: nullable(Type.Integer(), "The highest average speed. null: no limit."),
    row_delay_ms: Type.Integer({ description: "Simulated processing time per row." }),
    rows_per_second: nullable(
      Type.Number(),
      "Rows with a result per second, without the time in which no worker processed the batch.",
    ),
    seconds_left: nullable(Type.Number(), "An estimate from the speed so far."),
    created_at: Moment("When the upload started."),
    queued_at: NullableMoment("When the whole file was stored."),
    started_at: NullableMoment("When a worker took the first rows."),
    finished_at: NullableMoment("When the batch ended. Only a user can change it now."),
    allowed_actions: AllowedActions(
      BATCH_ACTIONS,
      "`edit_rows` changes the cells of failed and unprocessed rows. `retry` of unprocessed rows needs `unprocessed: true`.",
    ),
  },
  {
    $id: "Batch",
    description: "One upload and its progress.",
    examples: [BATCH_EXAMPLE],
  },
);

export type BatchView = Static<typeof BatchView>;

const { header: _header, mapping: _mapping, ...listedProperties } = BatchView.properties;
const { header: _columns, mapping: _found, ...LISTED_EXAMPLE } = BATCH_EXAMPLE;

export const ListedBatchView = Type.Object(listedProperties, {
  $id: "ListedBatch",
  description: "One upload and its progress, without `header` and `mapping`.",
  examples: [LISTED_EXAMPLE],
});

export type ListedBatchView = Static<typeof ListedBatchView>;

export const AdminBatchView = Type.Object(
  { ...listedProperties, user_id: Type.Integer({ description: "The owner of the batch." }) },
  {
    $id: "AdminBatch",
    description: "A batch of any user, for operators.",
    examples: [{ ...LISTED_EXAMPLE, user_id: 1, allowed_actions: ["pause", "cancel"] }],
  },
);

export const UploadedBatchView = Type.Object(
  {
    ...BatchView.properties,
    replayed: Type.Boolean({
      description:
        "true: the same file was uploaded before, and this is its batch. `force=true` imports it again.",
    }),
  },
  {
    $id: "UploadedBatch",
    description: "The batch of an upload.",
    examples: [{ ...BATCH_EXAMPLE, replayed: false }],
  },
);

export type UploadedBatchView = Static<typeof UploadedBatchView>;

/** The user who gets the answer, and the time. */
export type Viewer = Pick<Context, "actor" | "now">;

/** Whether no record is written yet, although chunks of the batch already count successes. */
function isTentative(batch: ListedBatch): boolean {
  return (
    isWhole(batch) && (batch.state === "validated" || MAY_RUN_STATES.some((state) => state === batch.state))
  );
}

/** Every row is in exactly one of the counts. */
function countRows(batch: ListedBatch): Counts {
  const { succeeded, failed, reversed, totalRows: total, state } = batch;
  const committed = isTentative(batch) ? 0 : succeeded;
  const success = committed - reversed;
  const open = total - failed - committed;
  const isRunning = state === "processing";
  const processing = isRunning ? batch.processing + succeeded - committed : 0;
  const unprocessed = leavesUnprocessed(state) ? open : 0;
  const pending = open - processing - unprocessed;
  return { total, pending, processing, success, failed, unprocessed, undone: reversed };
}

export function viewBatch(batch: StoredBatch, viewer: Viewer): BatchView {
  const { header } = batch;
  const named = Object.entries(batch.mapping).map(([column, at]) => [column, header[at] ?? ""]);
  return { ...viewListedBatch(batch, viewer), header, mapping: Object.fromEntries(named) };
}

export function viewListedBatch(batch: ListedBatch, viewer: Viewer): ListedBatchView {
  const { succeeded, failed, totalRows } = batch;
  const done = succeeded + failed;
  const isUndo = batch.state === "undoing" || batch.state === "undone";
  const rate = isUndo ? null : rateOf(batch, done, viewer.now());
  const isUnknown = rate === null || batch.state === "paused";
  const secondsLeft = hasEnded(batch.state) ? 0 : isUnknown ? null : (totalRows - done) / rate;
  const { created, updated, unchanged, reversed, kept, undoFailed } = batch;
  return {
    id: batch.id,
    number: batch.number,
    target: batch.target,
    target_version: batch.targetVersion,
    filename: batch.filename,
    sha256: batch.contentHash?.toString("hex") ?? null,
    state: batch.state,
    counts: countRows(batch),
    reason: batch.reason,
    waiting: viewWaiting(batch),
    records: isTentative(batch) && !batch.isDryRun ? NO_RECORDS : { created, updated, unchanged },
    undo: isUndo ? { reversed, kept, failed: undoFailed } : null,
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
    allowed_actions: allowedActions(viewer, batch),
  };
}

export function viewAdminBatch(batch: ListedBatch, viewer: Viewer): Static<typeof AdminBatchView> {
  return { ...viewListedBatch(batch, viewer), user_id: batch.userId };
}

function viewWaiting({ state, waiting }: ListedBatch): ListedBatchView["waiting"] {
  if (state !== "processing" || !waiting) return null;
  return { ...waiting, until: new Date(waiting.until).toISOString() };
}

/** Only the time counts in which workers processed rows. */
function rateOf(batch: ListedBatch, done: number, now: Date): number | null {
  const { busyMs, busyUntil, finishedAt, rowsPerSecond } = batch;
  const isCounted = !isWhole(batch) || !busyUntil;
  const seconds = (isCounted ? busyMs : (finishedAt ?? now).getTime() - busyUntil.getTime()) / 1000;
  if (done === 0 || seconds <= 0) return null;
  // A batch with a speed limit also waits.
  return Math.min(done / seconds, rowsPerSecond ?? Number.POSITIVE_INFINITY);
}

const NO_RECORDS = { created: 0, updated: 0, unchanged: 0 };

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The version for ETag and events. It leaves out the speed and the time left, which change with the clock alone. */
export function batchVersion(view: ListedBatchView): string {
  return versionOf({ ...view, rows_per_second: null, seconds_left: null });
}
