/** Schedules, and the history of their ticks. */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  json,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { moment, rowmill } from "./columns.ts";

/** skip: ticks without a worker are only counted. once: the latest of them runs late. */
export const scheduleMissed = rowmill.enum("schedule_missed", ["skip", "once"]);
export type ScheduleMissed = (typeof scheduleMissed.enumValues)[number];

/** Decides about a tick while the work of an earlier tick has not ended. */
export const scheduleOverlap = rowmill.enum("schedule_overlap", ["skip", "queue", "allow", "replace"]);
export type ScheduleOverlap = (typeof scheduleOverlap.enumValues)[number];

/** The number of the first schedule of a user. */
const FIRST_NUMBER = 101;

export const schedules = rowmill.table(
  "schedules",
  {
    id: uuid("id").primaryKey(),
    /** Orders schedules: first the built-in ones, whose numbers are fixed, and then those of users by their creation. */
    number: bigint("number", { mode: "number" })
      .notNull()
      .generatedByDefaultAsIdentity({ startWith: FIRST_NUMBER }),
    /** null: the schedule is built in. */
    userId: bigint("user_id", { mode: "number" }).references(() => users.id, { onDelete: "cascade" }),
    /** The name of the job that a built-in schedule enqueues. */
    builtin: text("builtin"),
    name: text("name").notNull(),
    description: text("description").notNull().default(""),
    /** The body of the request that a tick stands for, as the user sent it; both are null: the schedule is built in. */
    task: json("task").$type<Record<string, unknown>>(),
    workflow: json("workflow").$type<Record<string, unknown>>(),
    cron: text("cron").notNull(),
    /** The name of a time zone. */
    timezone: text("timezone").notNull().default("UTC"),
    isEnabled: boolean("is_enabled").notNull().default(true),
    startsAt: moment("starts_at"),
    endsAt: moment("ends_at"),
    missed: scheduleMissed("missed").notNull().default("skip"),
    overlap: scheduleOverlap("overlap").notNull().default("skip"),
    jitterSeconds: integer("jitter_seconds").notNull().default(0),
    /** The next tick by the expression, and when it runs: later by its jitter. null: the schedule has no next tick. */
    nextTickAt: moment("next_tick_at"),
    nextRunAt: moment("next_run_at"),
    /** When the first of the ticks failed that have failed since the last success; null: the last one succeeded. */
    failingSince: moment("failing_since"),
    /** An admin has changed the built-in schedule, so the settings no longer do. */
    isEdited: boolean("is_edited").notNull().default(false),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex("schedules_number").on(t.number),
    uniqueIndex("schedules_builtin").on(t.builtin),
    uniqueIndex("schedules_name").on(t.userId, sql`lower(${t.name})`),
    index("schedules_owner").on(t.userId, t.number),
    index("schedules_due").on(t.nextRunAt).where(sql`next_run_at IS NOT NULL`),
    check("schedules_builtin_or_owned", sql`(user_id IS NULL) = (builtin IS NOT NULL)`),
    check("schedules_one_kind", sql`num_nonnulls(builtin, task, workflow) = 1`),
    check("schedules_next", sql`(next_run_at IS NULL) = (next_tick_at IS NULL)`),
  ],
);

/**
 * created: the tick has created its task, workflow or job. waiting: it waits until an earlier one has ended (`overlap`).
 * skipped: it was missed, or an earlier one had not ended. failed: the work could not be created.
 */
export const tickState = rowmill.enum("tick_state", ["created", "waiting", "skipped", "failed"]);
export type TickState = (typeof tickState.enumValues)[number];

/** The ticks that have happened. The primary key makes each of them happen once. */
export const scheduleTicks = rowmill.table(
  "schedule_ticks",
  {
    scheduleId: uuid("schedule_id")
      .notNull()
      .references(() => schedules.id, { onDelete: "cascade" }),
    /** When the tick was due by the expression; of a manual tick: when it was requested. */
    tickAt: moment("tick_at").notNull(),
    state: tickState("state").notNull(),
    /** Why the tick is waiting, skipped or failed: for programs, and for people. */
    code: text("code"),
    reason: text("reason"),
    /** The ticks from `tick_at` on that were missed, if the row stands for missed ticks. */
    missedCount: integer("missed_count"),
    /** The work that the tick has created. No foreign keys: the history outlives it. */
    taskId: uuid("task_id"),
    workflowId: uuid("workflow_id"),
    jobId: uuid("job_id"),
    /** The task or workflow because of which the tick waits or was skipped. */
    blockedBy: uuid("blocked_by"),
    isManual: boolean("is_manual").notNull().default(false),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.scheduleId, t.tickAt] }),
    index("schedule_ticks_waiting").on(t.scheduleId, t.tickAt).where(sql`state = 'waiting'`),
  ],
);
