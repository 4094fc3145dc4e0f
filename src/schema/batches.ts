/** Batches, their rows, the chunks in which rows are processed, and the results of rows. */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  json,
  primaryKey,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import type { Totals } from "./batch-totals.ts";
import { bytea, identity, moment, rowmill } from "./columns.ts";
import type { TargetTraits } from "./targets.ts";

export const batchState = rowmill.enum("batch_state", [
  "receiving",
  "queued",
  "processing",
  "completed",
  "completed_with_errors",
  "paused",
  "validated",
  "failed",
  "cancelled",
  "undoing",
  "undone",
  "deleting",
]);

/** How a row treats an existing record with its key. */
export const batchMode = rowmill.enum("batch_mode", [
  "insert",
  "upsert",
  "skip_existing",
  "append",
  "update",
]);

export const batchPolicy = rowmill.enum("batch_policy", ["partial", "atomic"]);

export const batches = rowmill.table(
  "batches",
  {
    id: uuid("id").primaryKey(),
    /** A second id, as an integer, for clients of legacy endpoints. */
    number: identity("number").notNull(),
    /** No foreign key: users are on one node of a distributed database. A new batch locks its owner instead. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    target: text("target").notNull(),
    /** The version of a defined target; null: the target is a part of Rowmill. */
    targetVersion: integer("target_version"),
    /** The facts about that version which queries need. */
    targetTraits: json("target_traits").$type<TargetTraits>(),
    /** How the file writes numbers, dates and booleans, where it differs from the target. */
    locale: json("locale").$type<Record<string, unknown>>(),
    filename: text("filename").notNull(),
    state: batchState("state").notNull().default("receiving"),
    /** The column names of the file, made unique. `batch_rows.fields` has the same order. */
    header: text("header").array().notNull(),
    /** Maps a target column to its position in `header`. */
    mapping: json("mapping").$type<Record<string, number>>().notNull(),
    /** The parameters for the target; null: it has none. */
    params: json("params").$type<Record<string, unknown>>(),
    rowDelayMs: integer("row_delay_ms").notNull(),
    mode: batchMode("mode").notNull().default("insert"),
    policy: batchPolicy("policy").notNull().default("partial"),
    /** Whether rows are only validated. No record is written until the batch is committed. */
    isDryRun: boolean("is_dry_run").notNull().default(false),
    /** As the client sent it: a number of rows, or a percentage such as `5%`. */
    maxErrors: text("max_errors"),
    rowsPerSecond: integer("rows_per_second"),
    /** The moment until which the rows taken so far use up `rows_per_second`. */
    pacedUntil: moment("paced_until"),
    /** How the file was read (platform/csv/open-csv.ts). */
    dialect: json("dialect").$type<Record<string, string | number | boolean>>(),
    /** The number of rows that the reader had to adapt, by kind of problem. */
    warnings: json("warnings").$type<Record<string, number>>(),
    /** SHA-256 of the bytes of the file. */
    contentHash: bytea("content_hash"),
    /** SHA-256 of the content and all options that affect the result. Equal fingerprints mean a repeated upload. */
    fingerprint: bytea("fingerprint"),
    /** Why the batch is in its state, for people. */
    reason: text("reason"),
    /** The batch whose rows the rows of this upload correct. A correction is hidden and never processed as a batch. */
    correctionOf: uuid("correction_of"),
    /** Incremented each time that a batch which had ended is queued again. */
    run: smallint("run").notNull().default(1),
    totalRows: integer("total_rows").notNull().default(0),
    /** The size of the file, so far. */
    fileBytes: bigint("file_bytes", { mode: "number" }).notNull().default(0),
    /** The number of chunks that are not done. The chunk that sets it to 0 finishes the batch. */
    chunksLeft: integer("chunks_left").notNull().default(0),
    /** How many requests in a row got no usable answer from the service of the target. */
    failedRequests: smallint("failed_requests").notNull().default(0),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** Updated during the upload and the deletion, so that the reconciler can find interrupted ones. */
    receivedAt: moment("received_at").notNull().defaultNow(),
    queuedAt: moment("queued_at"),
    startedAt: moment("started_at"),
    finishedAt: moment("finished_at"),
    /** The time in which workers processed chunks; overlapping chunks count once. */
    busyMs: bigint("busy_ms", { mode: "number" }).notNull().default(0),
    /** The end of the last chunk that counts in `busy_ms`. For a batch that is processed as a whole: the start of its run. */
    busyUntil: moment("busy_until"),
    /** The sums over the chunks at the end of a run (batches/sums.ts). They count only while `run` is the same. */
    totals: json("totals").$type<Totals>(),
  },
  (t) => [
    index("batches_owner").on(t.userId, t.id),
    // Not unique, because batches of a distributed database are on the nodes of their ids. One sequence draws all numbers.
    index("batches_by_number").on(t.number),
    // Without the condition, the planner may sort all batches of a user by this index to list the newest ones.
    index("batches_fingerprint").on(t.userId, t.fingerprint).where(sql`fingerprint IS NOT NULL`),
    index("batches_receiving").on(t.receivedAt).where(sql`state = 'receiving'`),
    index("batches_finished").on(t.finishedAt).where(sql`finished_at IS NOT NULL`),
    check("batches_counts", sql`total_rows >= 0 AND chunks_left >= 0`),
    check(
      "batches_finished_when_done",
      // As text: a value cannot be used in the transaction that adds it to an enum.
      sql`(finished_at IS NULL) = (state::text IN ('receiving', 'queued', 'processing', 'paused', 'undoing', 'deleting'))`,
    ),
  ],
);

/**
 * The rows of files. Only corrections change them, and `row_history` records it. There is no foreign key, because a check
 * per row would make the COPY a quarter slower; rows are only written in a transaction that locks their batch.
 */
export const batchRows = rowmill.table(
  "batch_rows",
  {
    batchId: uuid("batch_id").notNull(),
    /** As a spreadsheet shows it: the header is row 1, and blank lines count. */
    rowNumber: integer("row_number").notNull(),
    /** The cells as text, in the order of `batches.header`. `json` is stored unchanged: 13 % faster than `jsonb`. */
    fields: json("fields").$type<string[]>().notNull(),
    /** Why the row is not valid CSV. Such a row fails with this reason. */
    problem: text("problem"),
  },
  (t) => [primaryKey({ columns: [t.batchId, t.rowNumber] })],
);

export const chunkState = rowmill.enum("chunk_state", ["queued", "processing", "done"]);

/** Ranges of rows that one job processes. The counts of a batch are sums over its chunks. */
export const chunks = rowmill.table(
  "chunks",
  {
    batchId: uuid("batch_id").notNull(),
    firstRow: integer("first_row").notNull(),
    lastRow: integer("last_row").notNull(),
    /** The number of rows in the range. Blank lines are not rows. */
    rowCount: integer("row_count").notNull(),
    /** The size of the cells as JSON when the chunk was planned. null: unknown, because rows were edited since. */
    bytes: bigint("bytes", { mode: "number" }),
    state: chunkState("state").notNull().default("queued"),
    /** 1 at first; incremented each time that rows of the chunk are retried, automatically or by hand. */
    attempt: smallint("attempt").notNull().default(1),
    /** The first attempt of the current run. Automatic retries are counted from it. */
    firstAttempt: smallint("first_attempt").notNull().default(1),
    succeeded: integer("succeeded").notNull().default(0),
    failed: integer("failed").notNull().default(0),
    /** Rows that succeeded, by their effect on the records of the target. */
    created: integer("created").notNull().default(0),
    updated: integer("updated").notNull().default(0),
    unchanged: integer("unchanged").notNull().default(0),
    /** Whether undo has processed the chunk. If so, the next three counts are set. */
    isUndone: boolean("is_undone").notNull().default(false),
    reversed: integer("reversed").notNull().default(0),
    kept: integer("kept").notNull().default(0),
    undoFailed: integer("undo_failed").notNull().default(0),
    /** Open rows that wait because a service cannot take them now. `row_waits` has their reasons. */
    waiting: integer("waiting").notNull().default(0),
    /** The end of the backoff or of the wait. Until then the reconciler does not expect a job for the chunk. */
    dueAt: moment("due_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.batchId, t.firstRow] }),
    index("chunks_due").on(t.dueAt).where(sql`state <> 'done'`),
    check("chunks_range", sql`last_row >= first_row AND row_count BETWEEN 1 AND last_row - first_row + 1`),
    check(
      "chunks_counts",
      sql`succeeded >= 0 AND failed >= 0 AND succeeded + failed <= row_count AND created + updated + unchanged = succeeded`,
    ),
    check("chunks_done_when_counted", sql`(state = 'done') = (succeeded + failed = row_count)`),
  ],
);

export const rowStatus = rowmill.enum("row_status", ["success", "failed"]);

/** The effect of a row on the records of its target. Undo reverses it. */
export const rowEffect = rowmill.enum("row_effect", ["created", "updated", "unchanged"]);

export const undoOutcome = rowmill.enum("undo_outcome", ["reversed", "kept", "failed"]);

/**
 * The results of rows. A result is appended once; undo marks it, a retry moves it to `row_history`, and it changes if an
 * earlier row of the file takes over the record. A row without a result is pending, being processed, or was not processed before its batch ended.
 */
export const rowResults = rowmill.table(
  "row_results",
  {
    batchId: uuid("batch_id").notNull(),
    rowNumber: integer("row_number").notNull(),
    status: rowStatus("status").notNull(),
    attempts: smallint("attempts").notNull(),
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
    /** All broken rules, with their columns. */
    errors: json("errors").$type<RowError[]>(),
    /** The id of the record in the table of the target. */
    recordId: bigint("record_id", { mode: "number" }),
    /** Identifies a record that is not in a table of Rowmill, as the JSON of its key. */
    recordKey: text("record_key"),
    /** A hash of that record after the write, for undo. */
    recordVersion: bigint("record_version", { mode: "bigint" }),
    effect: rowEffect("effect"),
    /** The record before the row updated it, in a format that the target chooses. */
    before: json("before").$type<object>(),
    completedAt: moment("completed_at").notNull().defaultNow(),
    undo: undoOutcome("undo"),
    undoReason: text("undo_reason"),
  },
  (t) => [
    primaryKey({ columns: [t.batchId, t.rowNumber] }),
    index("row_results_failed").on(t.batchId, t.rowNumber).where(sql`status = 'failed'`),
    check("row_results_reason", sql`(status = 'failed') = (error_code IS NOT NULL)`),
    check("row_results_effect", sql`(status = 'success') = (effect IS NOT NULL)`),
    index("row_results_kept").on(t.batchId, t.rowNumber).where(sql`undo IN ('kept', 'failed')`),
  ],
);

/** The values of columns that must be unique in a file, and the rows that have them. */
export const rowValues = rowmill.table(
  "row_values",
  {
    batchId: uuid("batch_id").notNull(),
    /** The position of the column in the definition of the target. */
    position: smallint("position").notNull(),
    hash: uuid("hash").notNull(),
    rowNumber: integer("row_number").notNull(),
  },
  (t) => [primaryKey({ columns: [t.batchId, t.position, t.hash] })],
);

/** Why rows without a result wait, and until when (batches/process/send/row-waits.ts). */
export const rowWaits = rowmill.table(
  "row_waits",
  {
    batchId: uuid("batch_id").notNull(),
    rowNumber: integer("row_number").notNull(),
    code: text("code").notNull(),
    message: text("message").notNull(),
    until: moment("until").notNull(),
  },
  (t) => [primaryKey({ columns: [t.batchId, t.rowNumber] })],
);

export const historyEvent = rowmill.enum("history_event", ["failed", "edited"]);

/** Earlier failures of rows that were retried, and earlier cells of rows that were edited. */
export const rowHistory = rowmill.table(
  "row_history",
  {
    batchId: uuid("batch_id").notNull(),
    rowNumber: integer("row_number").notNull(),
    id: identity("id").notNull(),
    event: historyEvent("event").notNull(),
    at: moment("at").notNull().defaultNow(),
    /** The user who retried or edited the row. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    /** The cells before an edit. */
    fields: json("fields").$type<string[]>(),
    attempts: smallint("attempts"),
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
  },
  (t) => [primaryKey({ columns: [t.batchId, t.rowNumber, t.id] })],
);

export type BatchState = (typeof batchState.enumValues)[number];
export type BatchMode = (typeof batchMode.enumValues)[number];
export type RowEffect = (typeof rowEffect.enumValues)[number];

export type RowError = { column: string | null; code: string; message: string };
