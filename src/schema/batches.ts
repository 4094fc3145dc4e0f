/** A batch, its rows, the chunks they are processed in, and what came of them. */
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
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { bytea, identity, moment, rowmill } from "./columns.ts";

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

/** What a row does where its target has a record of the same key already. */
export const batchMode = rowmill.enum("batch_mode", ["insert", "upsert", "skip_existing", "append"]);

export const batchPolicy = rowmill.enum("batch_policy", ["partial", "atomic"]);

export const batches = rowmill.table(
  "batches",
  {
    id: uuid("id").primaryKey(),
    /** For those who count: the id of the same batch as an integer. */
    number: identity("number").notNull(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    target: text("target").notNull(),
    filename: text("filename").notNull(),
    state: batchState("state").notNull().default("receiving"),
    /** Column names as the file has them, made unique. `batch_rows.fields` is in this order. */
    header: text("header").array().notNull(),
    /** Target column to its position in `header`. */
    mapping: json("mapping").$type<Record<string, number>>().notNull(),
    rowDelayMs: integer("row_delay_ms").notNull(),
    mode: batchMode("mode").notNull().default("insert"),
    policy: batchPolicy("policy").notNull().default("partial"),
    /** Only checked so far: no record is written before it is committed. */
    isDryRun: boolean("is_dry_run").notNull().default(false),
    /** As it was asked for: a number of rows, or a percentage of them. */
    maxErrors: text("max_errors"),
    rowsPerSecond: integer("rows_per_second"),
    /** Until when the rows taken so far use up `rows_per_second`. */
    pacedUntil: moment("paced_until"),
    /** How the file was read (platform/csv/open-csv.ts). */
    dialect: json("dialect").$type<Record<string, string | number | boolean>>(),
    /** What the reader mended, by kind: how many rows. */
    warnings: json("warnings").$type<Record<string, number>>(),
    /** SHA-256 of the file's bytes. */
    contentHash: bytea("content_hash"),
    /** SHA-256 over those and all that decides what the rows become: the same again is the same request again. */
    fingerprint: bytea("fingerprint"),
    /** Why it is in its state, for people. */
    reason: text("reason"),
    /** The batch whose rows this one's correct: it never runs itself, and is not shown. */
    correctionOf: uuid("correction_of"),
    /** One more each time that a batch which had ended is taken up again. */
    run: smallint("run").notNull().default(1),
    totalRows: integer("total_rows").notNull().default(0),
    /** How many chunks are not done yet; the one that takes it to 0 finishes the batch. */
    chunksLeft: integer("chunks_left").notNull().default(0),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** Touched while the upload lasts, so that a reaper can tell a dead one. */
    receivedAt: moment("received_at").notNull().defaultNow(),
    queuedAt: moment("queued_at"),
    startedAt: moment("started_at"),
    finishedAt: moment("finished_at"),
  },
  (t) => [
    index("batches_owner").on(t.userId, t.id),
    uniqueIndex("batches_number").on(t.number),
    index("batches_fingerprint").on(t.userId, t.fingerprint),
    index("batches_receiving").on(t.receivedAt).where(sql`state = 'receiving'`),
    index("batches_finished").on(t.finishedAt).where(sql`finished_at IS NOT NULL`),
    check("batches_counts", sql`total_rows >= 0 AND chunks_left >= 0`),
    check(
      "batches_finished_when_done",
      // As text: a value added to an enum can't be used in the transaction that adds it.
      sql`(finished_at IS NULL) = (state::text IN ('receiving', 'queued', 'processing', 'paused', 'undoing', 'deleting'))`,
    ),
  ],
);

/** Requests that named an Idempotency-Key: who asks again with the same key gets the same answer. */
export const idempotencyKeys = rowmill.table(
  "idempotency_keys",
  {
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    key: text("key").notNull(),
    /** What was asked: null until all of it has come. */
    fingerprint: bytea("fingerprint"),
    /** The answer; null while the request is under way. */
    status: smallint("status"),
    body: json("body").$type<object>(),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** Touched while the request lasts. */
    seenAt: moment("seen_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.key] }), index("idempotency_keys_age").on(t.createdAt)],
);

/**
 * One row of a file, changed only by a correction, which `row_history` tells of. No foreign key: a check a row would
 * cost the COPY a quarter of its speed, and rows are written only in a transaction that holds their batch.
 */
export const batchRows = rowmill.table(
  "batch_rows",
  {
    batchId: uuid("batch_id").notNull(),
    /** As a spreadsheet shows it: the header is row 1, blank lines count. */
    rowNumber: integer("row_number").notNull(),
    /** The cells as text, in the order of `batches.header`. `json` is stored as it came: 13 % faster than jsonb. */
    fields: json("fields").$type<string[]>().notNull(),
    /** What the reader found wrong with the row as CSV; such a row fails with this reason. */
    problem: text("problem"),
  },
  (t) => [primaryKey({ columns: [t.batchId, t.rowNumber] })],
);

export const chunkState = rowmill.enum("chunk_state", ["queued", "processing", "done"]);

/** A run of rows that one job processes. Batch totals are sums over these. */
export const chunks = rowmill.table(
  "chunks",
  {
    batchId: uuid("batch_id").notNull(),
    firstRow: integer("first_row").notNull(),
    lastRow: integer("last_row").notNull(),
    /** Rows in the range; fewer than the range is wide where the file has blank lines. */
    rowCount: integer("row_count").notNull(),
    state: chunkState("state").notNull().default("queued"),
    /** 1 at first; one more each time rows of it are retried, by themselves or by hand. */
    attempt: smallint("attempt").notNull().default(1),
    /** The attempt with which the present run began: retries by themselves count from there. */
    firstAttempt: smallint("first_attempt").notNull().default(1),
    succeeded: integer("succeeded").notNull().default(0),
    failed: integer("failed").notNull().default(0),
    /** Of those that succeeded, what they did to their target's records. */
    created: integer("created").notNull().default(0),
    updated: integer("updated").notNull().default(0),
    unchanged: integer("unchanged").notNull().default(0),
    /** What undoing came to, once it has passed this chunk. */
    isUndone: boolean("is_undone").notNull().default(false),
    reversed: integer("reversed").notNull().default(0),
    kept: integer("kept").notNull().default(0),
    undoFailed: integer("undo_failed").notNull().default(0),
    /** Before this, no job for the chunk is missed: it waits out a backoff. */
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

/** What a row did to its target's records: what undoing it has to reverse. */
export const rowEffect = rowmill.enum("row_effect", ["created", "updated", "unchanged"]);

export const undoOutcome = rowmill.enum("undo_outcome", ["reversed", "kept", "failed"]);

/**
 * The outcome of a row, appended once; only undoing marks it, and a retry moves it to `row_history`. A row without one
 * is pending, being processed, or was left unprocessed when its batch ended.
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
    /** Every broken rule, with its column. */
    errors: json("errors").$type<RowError[]>(),
    /** The record that the row became, in its target's table. */
    recordId: bigint("record_id", { mode: "number" }),
    effect: rowEffect("effect"),
    /** The record as it was before it was updated, in its target's words. */
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

export const historyEvent = rowmill.enum("history_event", ["failed", "edited"]);

/** What became of a row before: its failures that were retried, its cells before they were edited. */
export const rowHistory = rowmill.table(
  "row_history",
  {
    batchId: uuid("batch_id").notNull(),
    rowNumber: integer("row_number").notNull(),
    id: identity("id").notNull(),
    event: historyEvent("event").notNull(),
    at: moment("at").notNull().defaultNow(),
    /** Who retried or edited it. */
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
