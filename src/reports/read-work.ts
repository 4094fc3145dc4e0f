/** Reads the users, imports and tasks of a period. */
import { sql } from "drizzle-orm";
import type { Database } from "../platform/postgres/database.ts";
import { taskStatus } from "../schema/tasks.ts";
import type { Period } from "./periods.ts";

type Range = Pick<Period, "from" | "to">;

export async function readAccounts(
  db: Database,
  { from, to }: Range,
): Promise<{ total: number; created: number }> {
  const { rows } = await db.execute<{ total: number; created: number }>(sql`
    SELECT count(*)::int AS total, count(*) FILTER (WHERE created_at >= ${from.toISOString()}::timestamptz)::int AS created
    FROM rowmill.users WHERE created_at < ${to.toISOString()}::timestamptz`);
  return rows[0] ?? { total: 0, created: 0 };
}

/** The imports that were created in the period, by their state now. Their ids begin with the time. */
export async function readImports(db: Database, { from, to }: Range): Promise<Record<string, number>> {
  const { rows } = await db.execute<{ state: string; imports: number }>(sql`
    SELECT state, count(*)::int AS imports FROM rowmill.batches
    WHERE id >= ${firstIdAt(from)}::uuid AND id < ${firstIdAt(to)}::uuid AND correction_of IS NULL
    GROUP BY state ORDER BY state`);
  return Object.fromEntries(rows.map(({ state, imports }) => [state, imports]));
}

/** The tasks that were created in the period, by their status now. */
export async function readTasks(db: Database, { from, to }: Range): Promise<Record<string, number>> {
  const statuses = sql.param([...taskStatus.enumValues]);
  const { rows } = await db.execute<{ status: string; tasks: number }>(sql`
    SELECT status, count(*)::int AS tasks FROM rowmill.tasks
    WHERE status = ANY(${statuses}::rowmill.task_status[])
      AND created_at >= ${from.toISOString()}::timestamptz AND created_at < ${to.toISOString()}::timestamptz
    GROUP BY status ORDER BY status`);
  return Object.fromEntries(rows.map(({ status, tasks }) => [status, tasks]));
}

/** The smallest UUIDv7 of a moment. */
function firstIdAt(moment: Date): string {
  const time = moment.getTime().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
