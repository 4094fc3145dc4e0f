/** Every table, enum, check and index. Imports nothing of ours. */
import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  customType,
  index,
  integer,
  json,
  pgEnum,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
  varchar,
} from "drizzle-orm/pg-core";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
const moment = (name: string) => timestamp(name, { withTimezone: true });
const identity = (name: string) => bigint(name, { mode: "number" }).generatedByDefaultAsIdentity();

export const userRole = pgEnum("user_role", ["user", "operator", "admin"]);

export const users = pgTable(
  "users",
  {
    id: identity("id").primaryKey(),
    username: text("username").notNull(),
    email: text("email").notNull().default(""),
    passwordHash: text("password_hash").notNull(),
    role: userRole("role").notNull().default("user"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [uniqueIndex("users_username_key").on(sql`lower(${t.username})`)],
);

/** One row a token; a family is a login and all that was rotated from it. Only hashes are kept. */
export const refreshTokens = pgTable(
  "refresh_tokens",
  {
    tokenHash: bytea("token_hash").primaryKey(),
    familyId: uuid("family_id").notNull(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at").notNull(),
    usedAt: moment("used_at"),
    revokedAt: moment("revoked_at"),
  },
  (t) => [index("refresh_tokens_family").on(t.familyId), index("refresh_tokens_expiry").on(t.expiresAt)],
);

/** Counters of failed logins, in the shape that rate-limiter-flexible writes (`expire` is epoch milliseconds). */
export const rateLimits = pgTable("rate_limits", {
  key: varchar("key", { length: 255 }).primaryKey(),
  points: integer("points").notNull().default(0),
  expire: bigint("expire", { mode: "number" }),
});

export const books = pgTable(
  "books",
  {
    id: identity("id").primaryKey(),
    /** No foreign key, for the same reason as in `batch_rows`. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    title: text("title").notNull(),
    author: text("author").notNull(),
    description: text("description").notNull().default(""),
    /** Path below /media/, null while the book has no picture. */
    picture: text("picture"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [index("books_owner").on(t.userId, t.id)],
);

export const batchState = pgEnum("batch_state", [
  "receiving",
  "queued",
  "processing",
  "completed",
  "completed_with_errors",
]);

export const batches = pgTable(
  "batches",
  {
    id: uuid("id").primaryKey(),
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
    index("batches_receiving").on(t.receivedAt).where(sql`state = 'receiving'`),
    index("batches_finished").on(t.finishedAt).where(sql`finished_at IS NOT NULL`),
    check("batches_counts", sql`total_rows >= 0 AND chunks_left >= 0`),
    check(
      "batches_finished_when_done",
      sql`(finished_at IS NULL) = (state NOT IN ('completed', 'completed_with_errors'))`,
    ),
  ],
);

/**
 * One row of a file, never changed once written. No foreign key: a check a row would cost the COPY a quarter of
 * its speed, and rows are written only in a transaction that holds their batch.
 */
export const batchRows = pgTable(
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

export const chunkState = pgEnum("chunk_state", ["queued", "processing", "done"]);

/** A run of rows that one job processes. Batch totals are sums over these. */
export const chunks = pgTable(
  "chunks",
  {
    batchId: uuid("batch_id").notNull(),
    firstRow: integer("first_row").notNull(),
    lastRow: integer("last_row").notNull(),
    /** Rows in the range; fewer than the range is wide where the file has blank lines. */
    rowCount: integer("row_count").notNull(),
    state: chunkState("state").notNull().default("queued"),
    /** 1 at first; one more each time rows of it are retried. */
    attempt: smallint("attempt").notNull().default(1),
    succeeded: integer("succeeded").notNull().default(0),
    failed: integer("failed").notNull().default(0),
    /** Before this, no job for the chunk is missed: it waits out a backoff. */
    dueAt: moment("due_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.batchId, t.firstRow] }),
    index("chunks_due").on(t.dueAt).where(sql`state <> 'done'`),
    check("chunks_range", sql`last_row >= first_row AND row_count BETWEEN 1 AND last_row - first_row + 1`),
    check("chunks_counts", sql`succeeded >= 0 AND failed >= 0 AND succeeded + failed <= row_count`),
    check("chunks_done_when_counted", sql`(state = 'done') = (succeeded + failed = row_count)`),
  ],
);

export const rowStatus = pgEnum("row_status", ["success", "failed"]);

/** The outcome of a row, appended once and never changed. A row without one is pending or being processed. */
export const rowResults = pgTable(
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
    completedAt: moment("completed_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.batchId, t.rowNumber] }),
    index("row_results_failed").on(t.batchId, t.rowNumber).where(sql`status = 'failed'`),
    check("row_results_reason", sql`(status = 'failed') = (error_code IS NOT NULL)`),
  ],
);

export type RowError = { column: string | null; code: string; message: string };
