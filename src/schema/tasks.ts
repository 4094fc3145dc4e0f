/** Tasks, what they told while they ran, and what happened to them. */
import { type SQL, sql } from "drizzle-orm";
import {
  type AnyPgColumn,
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
import { identity, moment, rowmill } from "./columns.ts";
import { files } from "./files.ts";

export const taskStatus = rowmill.enum("task_status", [
  "pending",
  "processing",
  "completed",
  "failed",
  "cancelled",
]);
/** Statuses in which a worker runs a task, or will. */
export const OPEN_TASK_STATUSES = ["pending", "processing"] as const satisfies readonly TaskStatus[];

export type TaskStatus = (typeof taskStatus.enumValues)[number];

export const DEFAULT_PRIORITY = 5;

/** One unit of background work of a user's. */
export const tasks = rowmill.table(
  "tasks",
  {
    id: uuid("id").primaryKey(),
    /** For those who count: the id of the same task as an integer. */
    number: identity("number").notNull(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    type: text("type").notNull(),
    queue: text("queue").notNull(),
    title: text("title").notNull().default(""),
    description: text("description").notNull().default(""),
    status: taskStatus("status").notNull().default("pending"),
    /** Higher ones are taken first. */
    priority: smallint("priority").notNull().default(DEFAULT_PRIORITY),
    /** Percent. */
    progress: smallint("progress").notNull().default(0),
    /** As `json`, here and below: what is shown has the order in which it was given. */
    params: json("params").$type<Record<string, unknown>>().notNull(),
    /** The file to work on, where it was uploaded. */
    fileId: uuid("file_id").references(() => files.id, { onDelete: "set null" }),
    /** As its owner calls it; without a `fileId` it lies below FILES_ROOT. */
    filePath: text("file_path"),
    fileName: text("file_name"),
    fileBytes: bigint("file_bytes", { mode: "number" }),
    result: json("result").$type<Record<string, unknown>>(),
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
    /** Retries that came by themselves since it was last asked for. */
    retryCount: integer("retry_count").notNull().default(0),
    maxRetries: smallint("max_retries").notNull(),
    /** How often a worker has begun it: whoever began it later is the one whose outcome counts. */
    attempt: integer("attempt").notNull().default(0),
    /** How many jobs it has had, of which the last is `job_id`. */
    run: integer("run").notNull().default(1),
    jobId: uuid("job_id").notNull(),
    /** Tasks that were created together. */
    groupId: uuid("group_id"),
    /** It waits until this one has completed, and is cancelled where that fails. */
    afterId: uuid("after_id").references((): AnyPgColumn => tasks.id, { onDelete: "set null" }),
    /** Whether a task was created that waits for this one. */
    hasNext: boolean("has_next").notNull().default(false),
    cancelReason: text("cancel_reason"),
    tags: text("tags").array().notNull().default(sql`'{}'`),
    metadata: json("metadata").$type<Record<string, unknown>>().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
    /** From when a worker may take it; null while it waits for another. */
    dueAt: moment("due_at").defaultNow(),
    /** Of the attempt that counts. */
    startedAt: moment("started_at"),
    /** When it completed or failed. */
    completedAt: moment("completed_at"),
    cancelledAt: moment("cancelled_at"),
  },
  (t) => [
    uniqueIndex("tasks_number").on(t.number),
    uniqueIndex("tasks_job").on(t.jobId),
    index("tasks_owner").on(t.userId, t.number),
    index("tasks_owner_status").on(t.userId, t.status),
    index("tasks_status").on(t.status, t.createdAt),
    index("tasks_open").on(t.number).where(sql`status IN ('pending', 'processing')`),
    index("tasks_group").on(t.groupId).where(sql`group_id IS NOT NULL`),
    index("tasks_after").on(t.afterId).where(sql`after_id IS NOT NULL`),
    index("tasks_file").on(t.fileId).where(sql`file_id IS NOT NULL`),
    check("tasks_progress", sql`progress BETWEEN 0 AND 100`),
    check("tasks_priority", sql`priority BETWEEN 0 AND 9`),
    check("tasks_completed_when_ended", when(sql`completed_at`, "completed", "failed")),
    check("tasks_cancelled_when_cancelled", when(sql`cancelled_at`, "cancelled")),
    check("tasks_error_when_failed", when(sql`error_code`, "failed")),
  ],
);

/** The column is set in these states and in no other. */
function when(column: SQL, ...states: TaskStatus[]): SQL {
  const listed = sql.join(
    states.map((state) => sql.raw(`'${state}'`)),
    sql`, `,
  );
  return sql`(${column} IS NOT NULL) = (status IN (${listed}))`;
}

/** What a task told of how far it is. */
export const taskProgress = rowmill.table(
  "task_progress",
  {
    taskId: uuid("task_id")
      .notNull()
      .references(() => tasks.id, { onDelete: "cascade" }),
    id: identity("id").notNull(),
    progress: smallint("progress").notNull(),
    message: text("message").notNull().default(""),
    data: json("data").$type<Record<string, unknown>>(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.id] })],
);

export const taskEventType = rowmill.enum("task_event_type", [
  "created",
  "queued",
  "started",
  "progress",
  "completed",
  "failed",
  "retrying",
  "cancelled",
]);
export type TaskEventType = (typeof taskEventType.enumValues)[number];

/** What happened to a task: its audit trail, never changed. */
export const taskEvents = rowmill.table(
  "task_events",
  {
    taskId: uuid("task_id")
      .notNull()
      .references(() => tasks.id, { onDelete: "cascade" }),
    id: identity("id").notNull(),
    type: taskEventType("type").notNull(),
    message: text("message").notNull().default(""),
    /** The user who did it; null: a worker. */
    actorId: bigint("actor_id", { mode: "number" }),
    metadata: json("metadata").$type<Record<string, unknown>>(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.id] })],
);
