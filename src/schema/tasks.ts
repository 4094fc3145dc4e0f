/** Tasks, their progress reports, and their history. */
import { sql } from "drizzle-orm";
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
import { identity, inLists, isSetOnlyIn, moment, rowmill } from "./columns.ts";
import { files } from "./files.ts";

export const taskStatus = rowmill.enum("task_status", [
  "pending",
  "processing",
  "completed",
  "failed",
  "cancelled",
]);
/** The statuses of tasks that have not ended. */
export const OPEN_TASK_STATUSES = ["pending", "processing"] as const satisfies readonly TaskStatus[];

export type TaskStatus = (typeof taskStatus.enumValues)[number];

export const DEFAULT_PRIORITY = 5;

/**
 * True if the id of the latest job does not follow from that of the task: it ran before, or is older than 0.11.0 (`taskJobId`). Also true for
 * tasks that waited for another one. Checked at each write of a task, so it compares no ids.
 */
const LATER_JOB = "(run > 1 OR created_by IS NULL)";
export const hasLaterJob = sql.raw(LATER_JOB);

/** Built after the migrations, because one of them adds the column `created_by`, and the build must not stop programs. */
export const LATER_JOBS_INDEX = `CREATE UNIQUE INDEX IF NOT EXISTS "tasks_later_job" ON "rowmill"."tasks" USING btree (job_id) WHERE ${LATER_JOB}`;

export const tasks = rowmill.table(
  "tasks",
  {
    id: uuid("id").primaryKey(),
    /** A second id, as an integer, which shows the order of creation. */
    number: identity("number").notNull(),
    /** No foreign key, which would be checked for each new task: `createTasks` holds the account until it has committed. */
    userId: bigint("user_id", { mode: "number" }).notNull(),
    type: text("type").notNull(),
    queue: text("queue").notNull(),
    title: text("title").notNull().default(""),
    description: text("description").notNull().default(""),
    status: taskStatus("status").notNull().default("pending"),
    /** Tasks with a higher priority are taken first. */
    priority: smallint("priority").notNull().default(DEFAULT_PRIORITY),
    /** In percent. */
    progress: smallint("progress").notNull().default(0),
    /** `json`, here and below, keeps the order of names in which the client sent them. */
    params: json("params").$type<Record<string, unknown>>().notNull(),
    /** The input file, if it was uploaded. */
    fileId: uuid("file_id").references(() => files.id, { onDelete: "set null" }),
    /** The path as the owner wrote it. Without a `fileId`, the file is below FILES_ROOT. */
    filePath: text("file_path"),
    fileName: text("file_name"),
    fileBytes: bigint("file_bytes", { mode: "number" }),
    result: json("result").$type<Record<string, unknown>>(),
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
    /** Automatic retries since the task was created or retried by hand. */
    retryCount: integer("retry_count").notNull().default(0),
    maxRetries: smallint("max_retries").notNull(),
    /** Incremented when a worker starts the task. Only the attempt that started last can record an outcome. */
    attempt: integer("attempt").notNull().default(0),
    /** The number of jobs that the task has had. `job_id` is the last one. */
    run: integer("run").notNull().default(1),
    jobId: uuid("job_id").notNull(),
    /** Shared by tasks that were created together. */
    groupId: uuid("group_id"),
    /** The task that must complete first. If it fails, this task is cancelled. */
    afterId: uuid("after_id").references((): AnyPgColumn => tasks.id, { onDelete: "set null" }),
    /** Whether another task was created with this one as its `after_id`. */
    hasNext: boolean("has_next").notNull().default(false),
    /** The schedule that created the task. No foreign key: the task outlives it. */
    scheduleId: uuid("schedule_id"),
    /** The workflow that created the task, and the position of its step. */
    workflowId: uuid("workflow_id"),
    workflowStep: smallint("workflow_step"),
    cancelReason: text("cancel_reason"),
    tags: text("tags").array().notNull().default(sql`'{}'`),
    metadata: json("metadata").$type<Record<string, unknown>>().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    /**
     * The user who created the task; 0: Rowmill itself. The history derives the events `created` and `queued` from it. null: these
     * events are stored, because the task waited for another one, or because a program before 0.11.0 created it.
     */
    createdBy: bigint("created_by", { mode: "number" }),
    updatedAt: moment("updated_at").notNull().defaultNow(),
    /** When a worker may start the task; null while it waits for another task. */
    dueAt: moment("due_at").defaultNow(),
    /** When the latest attempt started. */
    startedAt: moment("started_at"),
    /** When the task completed or failed. */
    completedAt: moment("completed_at"),
    cancelledAt: moment("cancelled_at"),
  },
  (t) => [
    uniqueIndex("tasks_number").on(t.number),
    index("tasks_owner").on(t.userId, t.number),
    index("tasks_owner_status").on(t.userId, t.status),
    // For lists of an owner. The expressions match only the statements of these lists: the planner can neither use this
    // index elsewhere, nor follow `tasks_number` through the tasks of all users instead.
    index("tasks_owner_type").on(inLists(t.userId), t.type, t.queue, t.status, inLists(t.number)),
    // Only for lists of all users. A Bloom filter per megabyte of tasks costs next to nothing when tasks are written.
    // The planner thinks that it finds few tasks, so only a list that asks for these expressions may use it.
    index("tasks_type")
      .using("brin", sql`(${t.type} || '') text_bloom_ops`, sql`(${t.queue} || '') text_bloom_ops`)
      .with({ autosummarize: true }),
    index("tasks_tags").using("gin", t.tags).where(sql`tags <> '{}'`),
    index("tasks_status").on(t.status, t.createdAt),
    index("tasks_ended")
      .on(sql`coalesce(${t.completedAt}, ${t.cancelledAt})`)
      .where(sql`coalesce(completed_at, cancelled_at) IS NOT NULL`),
    index("tasks_group").on(t.groupId).where(sql`group_id IS NOT NULL`),
    index("tasks_after").on(t.afterId).where(sql`after_id IS NOT NULL`),
    index("tasks_schedule")
      .on(t.scheduleId)
      .where(sql`schedule_id IS NOT NULL AND status IN ('pending', 'processing')`),
    index("tasks_workflow").on(t.workflowId, t.workflowStep, t.number).where(sql`workflow_id IS NOT NULL`),
    index("tasks_file").on(t.fileId).where(sql`file_id IS NOT NULL`),
    check("tasks_progress", sql`progress BETWEEN 0 AND 100`),
    check("tasks_priority", sql`priority BETWEEN 0 AND 9`),
    check(
      "tasks_completed_when_ended",
      isSetOnlyIn<TaskStatus>(sql`completed_at`, sql`status`, "completed", "failed"),
    ),
    check(
      "tasks_cancelled_when_cancelled",
      isSetOnlyIn<TaskStatus>(sql`cancelled_at`, sql`status`, "cancelled"),
    ),
    check("tasks_error_when_failed", isSetOnlyIn<TaskStatus>(sql`error_code`, sql`status`, "failed")),
  ],
);

/** Progress reports of tasks. */
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

/** The history of tasks after their creation (tasks/history.ts). Entries are never changed. */
export const taskEvents = rowmill.table(
  "task_events",
  {
    taskId: uuid("task_id")
      .notNull()
      .references(() => tasks.id, { onDelete: "cascade" }),
    id: identity("id").notNull(),
    type: taskEventType("type").notNull(),
    message: text("message").notNull().default(""),
    /** The user who acted; null: a worker. */
    actorId: bigint("actor_id", { mode: "number" }),
    metadata: json("metadata").$type<Record<string, unknown>>(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.id] })],
);

/** The stacks of failed attempts, the latest one per task. Only operators see them. */
export const taskStacks = rowmill.table("task_stacks", {
  taskId: uuid("task_id")
    .primaryKey()
    .references(() => tasks.id, { onDelete: "cascade" }),
  attempt: integer("attempt").notNull(),
  stack: text("stack").notNull(),
});
