/** The numbers of each minute, for the charts of operators. */
import { bigint, integer, primaryKey, text } from "drizzle-orm/pg-core";
import { moment, rowmill } from "./columns.ts";

const counter = (name: string) => bigint(name, { mode: "number" }).notNull().default(0);

/** One row per minute in which a worker was alive, whichever worker was first. */
export const statistics = rowmill.table("statistics", {
  minute: moment("minute").primaryKey(),
  /** The work that workers have reported since the row before. */
  rowsSucceeded: counter("rows_succeeded"),
  rowsFailed: counter("rows_failed"),
  tasksCompleted: counter("tasks_completed"),
  tasksFailed: counter("tasks_failed"),
  tasksRetried: counter("tasks_retried"),
  workersAlive: integer("workers_alive").notNull(),
  workersBusy: integer("workers_busy").notNull(),
  /** null: the database does not tell its size. */
  databaseBytes: bigint("database_bytes", { mode: "number" }),
});

/** The jobs of each queue in a minute. As JSON in `statistics`, a week of them takes twelve times as long to read. */
export const queueStatistics = rowmill.table(
  "queue_statistics",
  {
    minute: moment("minute")
      .notNull()
      .references(() => statistics.minute, { onDelete: "cascade" }),
    queue: text("queue").notNull(),
    waiting: integer("waiting").notNull(),
    scheduled: integer("scheduled").notNull(),
    active: integer("active").notNull(),
    /** null: no job waits. */
    oldestWaitingSeconds: integer("oldest_waiting_seconds"),
  },
  (t) => [primaryKey({ columns: [t.minute, t.queue] })],
);
