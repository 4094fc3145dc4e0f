import { type SQL, sql } from "drizzle-orm";

/**
 * Returns a LATERAL that locks one task of a list, and selects columns of it. A task that another transaction holds is left out:
 * waiting for its lock while it holds others, the statement could be part of a deadlock.
 *
 * Conditions on the task belong outside. The LIMIT keeps them there: the planner may otherwise expect that few tasks are in a
 * state, and read all of them for each task of the list (decision 79).
 */
export function lockedTask(id: SQL, columns: SQL): SQL {
  return sql`LATERAL (
    SELECT ${columns} FROM rowmill.tasks WHERE tasks.id = ${id} LIMIT 1 FOR NO KEY UPDATE OF tasks SKIP LOCKED)`;
}
