/** Reads the jobs in the queue. */
import type pg from "pg";
import { count } from "./count.ts";

type Database = { readonly pool: pg.Pool };

/** The number of jobs of a name that workers run now. */
export function activeJobs({ pool }: Database, name = "batch.process-chunk"): Promise<number> {
  return count(pool, "SELECT count(*) FROM rowmill_queue.job WHERE name = $1 AND state = 'active'", [name]);
}

/** The number of jobs of a name that workers run or will take. */
export function jobsLeft({ pool }: Database, name = "batch.process-chunk"): Promise<number> {
  return count(
    pool,
    "SELECT count(*) FROM rowmill_queue.job WHERE name = $1 AND state IN ('created', 'retry', 'active')",
    [name],
  );
}

/** How often the end of a batch was announced to its owner. */
export function announcedEnds({ pool }: Database, batchId: string): Promise<number> {
  return count(
    pool,
    "SELECT count(*) FROM rowmill.notifications WHERE kind = 'batch.finished' AND subject_id = $1",
    [batchId],
  );
}

/**
 * Makes the running jobs of a killed worker look silent for long enough, so that another worker takes them within two
 * seconds instead of twelve. No other worker may run jobs meanwhile.
 */
export async function missHeartbeats({ pool }: Database): Promise<void> {
  await pool.query(
    "UPDATE rowmill_queue.job SET heartbeat_on = heartbeat_on - interval '1 minute' WHERE state = 'active'",
  );
}
