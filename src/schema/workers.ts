/** Workers, and the queues that are paused. */
import { bigint, index, integer, json, text, uuid } from "drizzle-orm/pg-core";
import { moment, rowmill } from "./columns.ts";

/** A job that a worker runs now. */
export interface RunningJob {
  readonly job: string;
  readonly id: string;
  readonly since: string;
}

/** Each worker updates its own row every few seconds, and deletes it when it ends. */
export const workers = rowmill.table(
  "workers",
  {
    id: uuid("id").primaryKey(),
    host: text("host").notNull(),
    pid: integer("pid").notNull(),
    version: text("version").notNull(),
    /** Maps each queue that the worker serves to its concurrency. */
    queues: json("queues").$type<Record<string, number>>().notNull(),
    running: json("running").$type<readonly RunningJob[]>().notNull(),
    startedAt: moment("started_at").notNull(),
    lastSeenAt: moment("last_seen_at").notNull(),
  },
  (t) => [index("workers_last_seen").on(t.lastSeenAt)],
);

export const pausedQueues = rowmill.table("paused_queues", {
  queue: text("queue").primaryKey(),
  pausedAt: moment("paused_at").notNull().defaultNow(),
  pausedBy: bigint("paused_by", { mode: "number" }),
});
