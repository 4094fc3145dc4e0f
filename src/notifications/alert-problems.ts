/** Alerts admins about problems that Rowmill finds itself. Each problem is repeated every hour for as long as it lasts. */
import { sql } from "drizzle-orm";
import { type AdminAlert, alertAdmins } from "../announcements/alert-admins.ts";
import { type Context, inTransaction } from "../context.ts";
import { plural } from "../platform/plural.ts";
import { listQueues } from "../queues/queries.ts";
import { workerLife } from "../queues/workers/queries.ts";
import { rowTargetNames } from "../targets/registry.ts";

/** Workers per run. The others follow a minute later. */
const MAX_LOST = 10;
/** A target counts as failing if this many rows have failed within an hour since its last success. */
const FAILED_ROWS = 100;

/** Runs every minute. @returns the number of new alerts */
export async function alertProblems(ctx: Context): Promise<number> {
  const problems = [...(await backlogs(ctx)), ...(await lostWorkers(ctx)), ...(await failingTargets(ctx))];
  let alerts = 0;
  for (const problem of problems) if (await inTransaction(ctx, (tx) => alertAdmins(tx, problem))) alerts++;
  return alerts;
}

async function backlogs(ctx: Context): Promise<AdminAlert[]> {
  const { alertWaitingJobs } = ctx.config;
  const queues = (await listQueues(ctx)).filter(
    ({ waiting, paused }) => !paused && waiting > alertWaitingJobs,
  );
  return queues.map(({ queue, waiting, oldestWaitingSeconds, workers }) => ({
    key: `backlog/${queue}`,
    subject: `${waiting} jobs wait in the queue ${queue}`,
    message:
      `The oldest has waited for ${plural(Math.round((oldestWaitingSeconds ?? 0) / 60), "minute")}, and ` +
      `${plural(workers, "worker")} can take it. Start more workers, or raise ALERT_WAITING_JOBS.`,
  }));
}

async function lostWorkers(ctx: Context): Promise<AdminAlert[]> {
  // Those of the last hour: each is alerted once.
  const { rows } = await ctx.db.execute<{ id: string; host: string; pid: number }>(sql`
    SELECT id, host, pid FROM rowmill.workers
    WHERE last_seen_at BETWEEN now() - interval '1 hour' AND now() - make_interval(secs => ${workerLife.deadAfterMs / 1000})
      AND NOT EXISTS (SELECT FROM rowmill.admin_alerts WHERE key = 'worker/' || workers.id)
    ORDER BY last_seen_at LIMIT ${MAX_LOST}`);
  return rows.map(({ id, host, pid }) => ({
    key: `worker/${id}`,
    subject: `A worker on ${host} is lost`,
    message:
      `The process ${pid} gives no sign of life and has not ended cleanly. Other workers repeat the jobs that it ran. ` +
      "See its log.",
  }));
}

/**
 * One file with bad rows is no problem of the target. The target is to blame if the rows of two users fail, or if rows have
 * failed that were retried: an invalid row is not retried.
 */
async function failingTargets(ctx: Context): Promise<AdminAlert[]> {
  const { rows } = await ctx.db.execute<{ target: string; failed: number }>(sql`
    WITH recent AS (
      SELECT target, user_id, succeeded, failed, attempt > first_attempt AS is_repeated,
        chunks.updated_at > coalesce(max(chunks.updated_at) FILTER (WHERE succeeded > 0) OVER (PARTITION BY target), '-infinity') AS is_later
      FROM rowmill.batches JOIN rowmill.chunks ON batch_id = batches.id
      WHERE (finished_at IS NULL OR finished_at > now() - interval '1 hour') 
        AND (target = ANY(${sql.param([...rowTargetNames])}) OR (target_traits ->> 'isRemote')::boolean)
        AND chunks.updated_at > now() - interval '1 hour'
    )
    SELECT target, sum(failed)::int AS failed FROM recent WHERE is_later GROUP BY target
    HAVING sum(failed) >= ${FAILED_ROWS} AND (
      count(DISTINCT user_id) FILTER (WHERE failed > 0) >= 2
      OR sum(failed) FILTER (WHERE is_repeated) >= ${FAILED_ROWS}
    )`);
  return rows.map(({ target, failed }) => ({
    key: `target/${target}`,
    subject: `Every row for ${target} fails`,
    message: `${plural(failed, "row")} failed within an hour, and none has succeeded since. See the errors of the last batches.`,
  }));
}
