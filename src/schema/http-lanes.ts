/** The pace of http tasks: a lane is all http tasks of one user to one host. */
import { sql } from "drizzle-orm";
import { bigint, index, integer, primaryKey, smallint, text, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { moment, rowmill } from "./columns.ts";

const userId = () => bigint("user_id", { mode: "number" }).notNull();
/** With the port, such as `api.example.com:8443`. */
const host = () => text("host").notNull();

/** Starts lock the row of their lane, so that they count each other. */
export const httpLanes = rowmill.table(
  "http_lanes",
  {
    userId: userId().references(() => users.id, { onDelete: "cascade" }),
    host: host(),
    /** When the next task may start, as far as `per_second` is concerned. */
    nextAt: moment("next_at").notNull().defaultNow(),
    /** The host asked for no requests until then. */
    heldUntil: moment("held_until").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.host] })],
);

/**
 * Tasks that wait for their turn in a lane, and those that have started. A row counts only as long as its task has the
 * status for it, so that cancelled and deleted tasks and lost workers need no clean-up.
 */
export const httpSlots = rowmill.table(
  "http_slots",
  {
    /** No foreign key: the deletion of a task would wait for its start, which can wait for the deletion. */
    taskId: uuid("task_id").primaryKey(),
    jobId: uuid("job_id").notNull(),
    userId: userId(),
    host: host(),
    priority: smallint("priority").notNull(),
    number: bigint("number", { mode: "number" }).notNull(),
    /** The tasks of the lane that may run when this one starts, with it. */
    concurrent: integer("concurrent").notNull(),
    /** null: it waits. */
    startedAt: moment("started_at"),
  },
  (t) => [
    index("http_slots_waiting")
      .on(t.userId, t.host, t.priority.desc().nullsFirst(), t.number)
      .where(sql`started_at IS NULL`),
    index("http_slots_started").on(t.userId, t.host).where(sql`started_at IS NOT NULL`),
  ],
);
