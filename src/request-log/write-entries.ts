import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import type { EndedRequest } from "../platform/http/ended-requests.ts";
import { shortenAddress } from "./shorten-address.ts";

/** The route of all requests that no route serves, so that the log has no path that a client made up. */
const UNKNOWN_ROUTE = "(unknown)";

/**
 * Writes a batch of entries in one statement.
 * @param dropped the requests that the log lacks
 */
export async function writeEntries(
  { db, config, now }: Pick<Context, "db" | "config" | "now">,
  entries: readonly EndedRequest[],
  dropped: number,
): Promise<void> {
  const addresses = cached((address) => shortenAddress(address, config.requestLogAddress));
  const stored = entries.map(({ route, address, ...rest }) => ({
    ...rest,
    route: route ?? UNKNOWN_ROUTE,
    address: addresses(address),
  }));
  await db.execute(sql`
    WITH gap AS (
      INSERT INTO rowmill.request_log_gaps (at, requests)
      SELECT ${now().toISOString()}::timestamptz, ${dropped}::int WHERE ${dropped}::int > 0
    )
    INSERT INTO rowmill.request_log
      (at, request_id, method, route, status, ms, user_id, address, request_bytes, response_bytes)
    SELECT to_timestamp(at / 1000), "requestId", method, route, status, ms, "userId", address, "requestBytes", "responseBytes"
    FROM json_to_recordset(${JSON.stringify(stored)}::json) AS entry (
      at float8, "requestId" text, method text, route text, status smallint, ms real, "userId" bigint, address text,
      "requestBytes" bigint, "responseBytes" bigint
    )`);
}

/** Few addresses make up a batch. */
function cached<T>(fn: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const value = known.has(key) ? (known.get(key) as T) : fn(key);
    known.set(key, value);
    return value;
  };
}
