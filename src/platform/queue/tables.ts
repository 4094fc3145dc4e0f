/** The tables of pg-boss that Rowmill's own statements use. */
import { sql } from "drizzle-orm";
import { QUEUE_SCHEMA } from "../../schema/columns.ts";

const tableOf = (name: string) => sql`${sql.identifier(QUEUE_SCHEMA)}.${sql.identifier(name)}`;

/** All jobs, in partitions. */
export const jobTable = tableOf("job");

/** The partition that has all jobs of Rowmill, as text. */
export const COMMON_JOBS = `"${QUEUE_SCHEMA}"."job_common"`;

/** If this partition is named, the planner need not look at the others. */
export const commonJobs = sql.raw(COMMON_JOBS);

/** One row per kind of job, with its options and the last count of its jobs. */
export const queueTable = tableOf("queue");

/** The recurring jobs of pg-boss. */
export const scheduleTable = tableOf("schedule");
