/** Entries of the request log, without requests. */
import type pg from "pg";
import type { Entry } from "../../src/request-log/log-buffer.ts";

export const DAY_MS = 86_400_000;

/** An entry of the log, with everything that a test does not care about. */
export function entryAt(at: Date, own: Partial<Entry> = {}): Entry {
  return {
    at: at.getTime(),
    request_id: "request",
    method: "GET",
    route: "/api/v1/books",
    status: 200,
    ms: 10,
    user_id: null,
    address: "192.0.2.1",
    request_bytes: 100,
    response_bytes: 200,
    ...own,
  };
}

export async function logEntries(pool: pg.Pool, entries: readonly Entry[]): Promise<void> {
  await pool.query(
    `INSERT INTO rowmill.request_log
    SELECT to_timestamp(at / 1000), request_id, method, route, status, ms, user_id, address, request_bytes, response_bytes
    FROM json_to_recordset($1::json) AS entry (at float8, request_id text, method text, route text, status smallint, ms real,
      user_id bigint, address text, request_bytes bigint, response_bytes bigint)`,
    [JSON.stringify(entries)],
  );
}

/** A moment of an earlier day in UTC: 0 is today. */
export function daysAgo(days: number, hour = 12): Date {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  return new Date(today - days * DAY_MS + hour * 3_600_000);
}
