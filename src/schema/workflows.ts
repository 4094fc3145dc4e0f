/** Workflows: steps that run as tasks, and the dependencies between them. */
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
import { identity, inLists, isSetOnlyIn, moment, rowmill } from "./columns.ts";

export const workflowKind = rowmill.enum("workflow_kind", ["chain", "group", "chord", "steps"]);
export type WorkflowKind = (typeof workflowKind.enumValues)[number];

export const workflowState = rowmill.enum("workflow_state", ["running", "completed", "failed", "cancelled"]);
export type WorkflowState = (typeof workflowState.enumValues)[number];

export const workflows = rowmill.table(
  "workflows",
  {
    id: uuid("id").primaryKey(),
    /** The order of creation. */
    number: identity("number").notNull(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull().default(""),
    kind: workflowKind("kind").notNull(),
    state: workflowState("state").notNull().default("running"),
    /** Incremented by each retry. */
    run: integer("run").notNull().default(1),
    /** The steps by their state, for lists. Nothing is decided by them. */
    counts: json("counts").$type<StepCounts>().notNull(),
    timeoutSeconds: integer("timeout_seconds").notNull(),
    /** A workflow that still runs is cancelled then. */
    deadlineAt: moment("deadline_at").notNull(),
    cancelReason: text("cancel_reason"),
    /** The schedule that created the workflow. No foreign key: the workflow outlives it. */
    scheduleId: uuid("schedule_id"),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
    endedAt: moment("ended_at"),
  },
  (t) => [
    uniqueIndex("workflows_number").on(t.number),
    index("workflows_owner").on(t.userId, t.number),
    // For lists of an owner by kind or state, as `tasks_owner_type` is for those of tasks.
    index("workflows_listed").on(inLists(t.userId), t.kind, t.state, inLists(t.number)),
    index("workflows_running").on(t.number).where(sql`state = 'running'`),
    index("workflows_running_of_user").on(t.userId).where(sql`state = 'running'`),
    index("workflows_not_completed").on(t.state, t.number).where(sql`state IN ('failed', 'cancelled')`),
    index("workflows_ended").on(t.endedAt).where(sql`ended_at IS NOT NULL`),
    index("workflows_schedule").on(t.scheduleId).where(sql`schedule_id IS NOT NULL AND state = 'running'`),
    check("workflows_ended_when_not_running", sql`(ended_at IS NULL) = (state = 'running')`),
  ],
);

/** `queued`: it has a task, which waits or runs. */
export const stepState = rowmill.enum("workflow_step_state", [
  "waiting",
  "queued",
  "completed",
  "failed",
  "skipped",
  "cancelled",
]);
export type StepState = (typeof stepState.enumValues)[number];

/** The states of steps that only a retry changes. */
export const FINAL_STATES = ["completed", "failed", "skipped", "cancelled"] as const satisfies StepState[];

export type StepCounts = Readonly<Record<StepState, number>>;

/** The meaning of a failure for the steps that depend on the failed one. */
export const onFailure = rowmill.enum("workflow_on_failure", ["fail", "continue", "ignore"]);
export type OnFailure = (typeof onFailure.enumValues)[number];

/** When a step runs, once all its dependencies are final. */
export const stepWhen = rowmill.enum("workflow_when", ["success", "always", "failure"]);
export type When = (typeof stepWhen.enumValues)[number];

/** The task that a step creates, with templates in `params`, `fileId` and `filePath`. */
export interface StepTask {
  readonly params?: unknown;
  readonly fileId?: string;
  readonly filePath?: string;
  readonly title?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly maxRetries?: number;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export const workflowSteps = rowmill.table(
  "workflow_steps",
  {
    workflowId: uuid("workflow_id")
      .notNull()
      .references(() => workflows.id, { onDelete: "cascade" }),
    /** From 0, in the order of the request. */
    position: smallint("position").notNull(),
    name: text("name").notNull(),
    type: text("type").notNull(),
    /** The rest of the task. */
    task: json("task").$type<StepTask>().notNull(),
    /** Whether `task` has templates. */
    hasTemplates: boolean("has_templates").notNull(),
    /** The uploaded file that the step reads; null: no file, a path below FILES_ROOT, or a template. */
    fileId: uuid("file_id"),
    onFailure: onFailure("on_failure").notNull().default("fail"),
    when: stepWhen("run_when").notNull().default("success"),
    state: stepState("state").notNull().default("waiting"),
    /** The latest task. Earlier ones have the same `workflow_id` and `workflow_step`. */
    taskId: uuid("task_id"),
    /** The number of tasks that the step has had. */
    attempt: integer("attempt").notNull().default(0),
    /** null: none, or longer than MAX_RESULT_BYTES. */
    result: json("result").$type<Record<string, unknown>>(),
    resultBytes: integer("result_bytes"),
    errorCode: text("error_code"),
    errorMessage: text("error_message"),
    /** The step whose failure is the reason for skipping this one. null: `when` did not apply. */
    cause: smallint("cause"),
    endedAt: moment("ended_at"),
  },
  (t) => [
    primaryKey({ columns: [t.workflowId, t.position] }),
    uniqueIndex("workflow_steps_name").on(t.workflowId, t.name),
    index("workflow_steps_task").on(t.taskId).where(sql`task_id IS NOT NULL`),
    index("workflow_steps_file").on(t.fileId).where(sql`file_id IS NOT NULL AND state = 'waiting'`),
    check("workflow_steps_error_when_failed", isSetOnlyIn<StepState>(sql`error_code`, sql`state`, "failed")),
    check("workflow_steps_ended", isSetOnlyIn<StepState>(sql`ended_at`, sql`state`, ...FINAL_STATES)),
  ],
);

/** The dependencies of steps. */
export const workflowEdges = rowmill.table(
  "workflow_edges",
  {
    workflowId: uuid("workflow_id")
      .notNull()
      .references(() => workflows.id, { onDelete: "cascade" }),
    /** The position of the step that depends on the other one. */
    step: smallint("step").notNull(),
    /** From 0, in the order of `depends_on`. */
    ordinal: smallint("ordinal").notNull(),
    /** The position of the other step. */
    dependency: smallint("dependency").notNull(),
  },
  (t) => [primaryKey({ columns: [t.workflowId, t.step, t.ordinal] })],
);
