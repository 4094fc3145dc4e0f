/** Limits of task types, and the tasks that wait for them. */
import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { moment, rowmill } from "./columns.ts";
import { tasks } from "./tasks.ts";

export type RecentStarts = readonly [at: number, starts: number];

export const taskLimits = rowmill.table(
  "task_limits",
  {
    type: text("type").primaryKey(),
    /** Tasks that start per second; null: any number. */
    perSecond: doublePrecision("per_second"),
    /** Tasks that run at the same time; null: any number. */
    concurrent: integer("concurrent"),
    /** When the next task may start, as far as `per_second` is concerned. */
    nextAt: moment("next_at").notNull().defaultNow(),
    /** The starts of the last second: times in seconds since 1970, with their numbers of tasks. */
    recent: jsonb("recent").$type<readonly RecentStarts[]>().notNull().default([]),
    /** The user who has had the last turn. */
    lastUserId: bigint("last_user_id", { mode: "number" }).notNull().default(0),
    changedBy: bigint("changed_by", { mode: "number" }),
    changedAt: moment("changed_at").notNull().defaultNow(),
  },
  (t) => [
    check("task_limits_any", sql`${t.perSecond} IS NOT NULL OR ${t.concurrent} IS NOT NULL`),
    check("task_limits_per_second", sql`${t.perSecond} > 0`),
    check("task_limits_concurrent", sql`${t.concurrent} >= 0`),
  ],
);

/** Pending tasks that may not start yet. Their jobs stay in the queue, and are due when it is their turn. */
export const limitWaits = rowmill.table(
  "limit_waits",
  {
    jobId: uuid("job_id").primaryKey(),
    taskId: uuid("task_id")
      .notNull()
      .references(() => tasks.id, { onDelete: "cascade" }),
    type: text("type").notNull(),
    queue: text("queue").notNull(),
    userId: bigint("user_id", { mode: "number" }).notNull(),
    priority: smallint("priority").notNull(),
    number: bigint("number", { mode: "number" }).notNull(),
    /** When it became the turn of the task; null: it waits. */
    grantedAt: moment("granted_at"),
  },
  (t) => [
    index("limit_waits_turn")
      .on(t.type, t.userId, t.priority.desc().nullsFirst(), t.number)
      .where(sql`granted_at IS NULL`),
    index("limit_waits_granted").on(t.type).where(sql`granted_at IS NOT NULL`),
    index("limit_waits_task").on(t.taskId),
  ],
);
