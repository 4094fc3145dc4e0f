/** Takes jobs as pg-boss does, by a plan that does not depend on the statistics of the queue (decision 79). */
import { sql } from "drizzle-orm";
import type { Database } from "../postgres/database.ts";
import { commonJobs } from "./tables.ts";

/** A job that a worker has taken. */
export type TakenJob = {
  readonly id: string;
  readonly data: object;
  readonly groupId: string | null;
  /** Of the last delivery that failed. */
  readonly output: object | null;
  readonly retryCount: number;
  readonly expireInSeconds: number;
};

interface Taking {
  /** Jobs of these groups are not taken. */
  readonly ignoredGroups: readonly string[];
  readonly count: number;
}

/**
 * Takes the next jobs that are due and returns them in their order.
 *
 * The planner expects few waiting jobs if the queue was nearly empty when it was analyzed. The limit is a subquery, so that the
 * planner expects to read only a part of them: it follows the index instead of sorting all waiting jobs. The jobs are updated by
 * their place in the table, because a search by their queue and ids can read all jobs of the queue.
 */
export async function fetchJobs(
  db: Database,
  name: string,
  { ignoredGroups, count }: Taking,
): Promise<TakenJob[]> {
  const ignored = sql`${sql.param([...ignoredGroups])}::text[]`;
  const { rows } = await db.execute<TakenJob>(sql`
    WITH taken AS (
      UPDATE ${commonJobs} SET state = 'active', started_on = now(), heartbeat_on = now(),
        retry_count = CASE WHEN started_on IS NULL THEN retry_count ELSE retry_count + 1 END
      WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${commonJobs}
        WHERE name = ${name} AND state < 'active' AND NOT blocked AND start_after <= now()
          ${ignoredGroups.length > 0 ? sql`AND (group_id IS NULL OR group_id <> ALL (${ignored}))` : undefined}
        ORDER BY priority DESC, created_on LIMIT (SELECT ${count}::int) FOR UPDATE SKIP LOCKED
      ))
      RETURNING id, data, group_id, output, retry_count, expire_seconds, priority, created_on
    )
    SELECT id, data, group_id AS "groupId", output, retry_count AS "retryCount", expire_seconds AS "expireInSeconds"
    FROM taken ORDER BY priority DESC, created_on`);
  return rows;
}
