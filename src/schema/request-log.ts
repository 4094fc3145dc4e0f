/** The log of API requests. */
import { bigint, index, integer, real, smallint, text } from "drizzle-orm/pg-core";
import { identity, moment, rowmill } from "./columns.ts";

/** The table, in the schema of all tables. */
export const REQUEST_LOG = "request_log";

/**
 * One row per request, partitioned by day (UTC) over `at`, which drizzle cannot express: the migration adds PARTITION BY and a
 * default partition, for days that have no partition.
 */
export const requestLog = rowmill.table(
  REQUEST_LOG,
  {
    /** When the request ended. */
    at: moment("at").notNull(),
    requestId: text("request_id").notNull(),
    method: text("method").notNull(),
    /** The template of the path, such as `/api/v1/batches/{batch_id}`. */
    route: text("route").notNull(),
    status: smallint("status").notNull(),
    /** null for event streams, which are open as long as their clients like. */
    ms: real("ms"),
    userId: bigint("user_id", { mode: "number" }),
    /** The address of the client, as REQUEST_LOG_ADDRESS allows. */
    address: text("address"),
    /** As sent over the connection, with headers. */
    requestBytes: bigint("request_bytes", { mode: "number" }).notNull(),
    responseBytes: bigint("response_bytes", { mode: "number" }).notNull(),
  },
  (t) => [index("request_log_at").on(t.at)],
);

/** Requests that the log lacks, because the database was too slow or unavailable. */
export const requestLogGaps = rowmill.table(
  "request_log_gaps",
  {
    id: identity("id").primaryKey(),
    at: moment("at").notNull(),
    requests: integer("requests").notNull(),
  },
  (t) => [index("request_log_gaps_at").on(t.at)],
);
