/** Processes that take jobs, and the queues that they are not to take any from. */
import { bigint, index, integer, json, text, uuid } from "drizzle-orm/pg-core";
import { moment, rowmill } from "./columns.ts";

/** A job that a worker has in hand. */
export interface RunningJob {
  readonly job: string;
  readonly id: string;
  readonly since: string;
}

/** A row is written by its worker alone, every few seconds; one that ends takes its row away. */
export const workers = rowmill.table(
  "workers",
  {
    id: uuid("id").primaryKey(),
    host: text("host").notNull(),
    pid: integer("pid").notNull(),
    version: text("version").notNull(),
    /** Queue to how many of its jobs it takes at a time. */
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
