/**
 * The tables of rows and results, which have one partition per day (UTC) over the time with which their keys begin. `migrate` makes the
 * partitions (platform/postgres/partitions/partition-by-day.ts). drizzle cannot express them, and need not know: its migrations change the
 * partitioned table with all partitions. The request log has partitions as well, from its first migration on.
 */
export const DAY_TABLES = [
  { name: "batch_rows", key: "batch_id" },
  { name: "row_results", key: "batch_id" },
] as const;

/** Their names. */
export const ROW_TABLES = DAY_TABLES.map(({ name }) => name);
