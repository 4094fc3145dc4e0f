import { desc, eq, inArray, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { statistics } from "../../schema/statistics.ts";
import { type CountedWork, type WorkerStats, workers } from "../../schema/workers.ts";

const NOTHING: CountedWork = {
  rowsSucceeded: 0,
  rowsFailed: 0,
  tasksCompleted: 0,
  tasksFailed: 0,
  tasksRetried: 0,
};
const NAMES = Object.keys(NOTHING) as (keyof CountedWork)[];

/**
 * Adds to the latest minute of the statistics what workers have reported and no minute contains yet. The totals that are
 * counted stay with each worker, under its lock, so nothing counts twice, and a lost worker counts up to its last report.
 * @param workerId absent: all workers
 */
export async function countWork(tx: Tx, workerId?: string): Promise<void> {
  const [latest] = await tx.db
    .select({ minute: statistics.minute })
    .from(statistics)
    .orderBy(desc(statistics.minute))
    .limit(1);
  if (!latest) return;
  const reported = await tx.db
    .select({ id: workers.id, stats: workers.stats, counted: workers.counted })
    .from(workers)
    .where(workerId === undefined ? undefined : eq(workers.id, workerId))
    .orderBy(workers.id)
    .for("update");
  const ahead = reported.flatMap(({ id, stats, counted }) => {
    const total = totalOf(stats);
    const more = total && NAMES.some((name) => total[name] !== (counted ?? NOTHING)[name]);
    return more ? [{ id, total, counted: counted ?? NOTHING }] : [];
  });
  if (ahead.length === 0) return;
  const sumOf = (name: keyof CountedWork) =>
    ahead.reduce((sum, { total, counted }) => sum + total[name] - counted[name], 0);
  await tx.db
    .update(statistics)
    .set(Object.fromEntries(NAMES.map((name) => [name, sql`${statistics[name]} + ${sumOf(name)}`])))
    .where(eq(statistics.minute, latest.minute));
  const ids = ahead.map(({ id }) => id);
  const totals = JSON.stringify(Object.fromEntries(ahead.map(({ id, total }) => [id, total])));
  await tx.db
    .update(workers)
    .set({ counted: sql`${totals}::json -> ${workers.id}::text` })
    .where(inArray(workers.id, ids));
}

/** null: the worker has a version that does not report what is counted. */
export function totalOf(stats: WorkerStats | null): CountedWork | null {
  if (stats?.rowsFailed === undefined) return null;
  const sumOf = (outcome: "completed" | "failed" | "retried") =>
    stats.tasks.reduce((sum, type) => sum + type[outcome], 0);
  return {
    rowsSucceeded: stats.rows - stats.rowsFailed,
    rowsFailed: stats.rowsFailed,
    tasksCompleted: sumOf("completed"),
    tasksFailed: sumOf("failed"),
    tasksRetried: sumOf("retried"),
  };
}
