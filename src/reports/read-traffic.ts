/** Reads the request log of a period. Each function is one statement, whose result is small however many requests there were. */
import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../platform/postgres/database.ts";
import type { Period } from "./periods.ts";

/** More than the API has. */
const MAX_ENDPOINTS = 1000;
const MAX_USERS = 10;

interface Durations {
  readonly avg: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

type Counts = {
  readonly requests: number;
  readonly failed: number;
};

export interface Totals extends Counts {
  readonly users: number;
  readonly addresses: number;
  readonly ms: Durations;
}

export interface Endpoint extends Counts {
  readonly method: string;
  readonly route: string;
  readonly ms: Durations;
}

export type TopUser = Counts & {
  readonly userId: number;
  /** null if the account was deleted. */
  readonly username: string | null;
};

type Range = Pick<Period, "from" | "to">;

const failed = sql`count(*) FILTER (WHERE status >= 400)::int`;
const counts = sql`count(*)::int AS requests, ${failed} AS failed`;

/** Event streams have no duration. */
const durations = sql`
  coalesce(avg(ms), 0)::float8 AS avg,
  coalesce(percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ms), '{0,0,0}') AS percentiles`;

function within({ from, to }: Range): SQL {
  return sql`at >= ${from.toISOString()}::timestamptz AND at < ${to.toISOString()}::timestamptz`;
}

/** Counts with a hash table. count(DISTINCT) sorts all rows: 11 s for the addresses of 3 million requests instead of 4 s. */
function distinct(range: Range, column: SQL): SQL {
  return sql`
    SELECT count(*)::int
    FROM (SELECT ${column} FROM rowmill.request_log WHERE ${within(range)} AND ${column} IS NOT NULL GROUP BY 1) AS found`;
}

type Measured<T> = Omit<T, "ms"> & { avg: number; percentiles: (number | null)[] };

function withDurations<T extends Measured<object>>({ avg, percentiles, ...rest }: T) {
  const [p50, p95, p99] = percentiles.map((ms) => rounded(ms ?? 0));
  return { ...rest, ms: { avg: rounded(avg), p50: p50 ?? 0, p95: p95 ?? 0, p99: p99 ?? 0 } };
}

const rounded = (ms: number) => Math.round(ms * 10) / 10;

export async function readTotals(db: Database, range: Range): Promise<Totals> {
  const { rows } = await db.execute<Measured<Totals>>(sql`
    SELECT ${counts}, ${durations}, (${distinct(range, sql`user_id`)}) AS users, (${distinct(range, sql`address`)}) AS addresses
    FROM rowmill.request_log WHERE ${within(range)}`);
  const [totals] = rows;
  if (!totals) throw new Error("An aggregate has one row.");
  return withDurations(totals);
}

/** The most used first. */
export async function readEndpoints(db: Database, range: Range): Promise<Endpoint[]> {
  const { rows } = await db.execute<Measured<Endpoint>>(sql`
    SELECT method, route, ${counts}, ${durations}
    FROM rowmill.request_log WHERE ${within(range)}
    GROUP BY method, route ORDER BY requests DESC, route, method LIMIT ${MAX_ENDPOINTS}`);
  return rows.map(withDurations);
}

/** The most active first. */
export async function readTopUsers(db: Database, range: Range): Promise<TopUser[]> {
  const { rows } = await db.execute<TopUser>(sql`
    SELECT found.user_id::float8 AS "userId", username, requests, failed
    FROM (
      SELECT user_id, ${counts} FROM rowmill.request_log WHERE ${within(range)} AND user_id IS NOT NULL
      GROUP BY user_id ORDER BY requests DESC, user_id LIMIT ${MAX_USERS}
    ) AS found LEFT JOIN LATERAL (SELECT username FROM rowmill.users WHERE id = found.user_id) AS account ON true
    ORDER BY requests DESC, found.user_id`);
  return rows;
}

/** The number of requests by status. */
export async function readStatuses(db: Database, range: Range): Promise<Record<string, number>> {
  const { rows } = await db.execute<{ status: number; requests: number }>(sql`
    SELECT status, count(*)::int AS requests FROM rowmill.request_log WHERE ${within(range)}
    GROUP BY status ORDER BY status`);
  return Object.fromEntries(rows.map(({ status, requests }) => [String(status), requests]));
}

export interface Part extends Counts {
  readonly start: Date;
  readonly ms: Durations;
}

/** The requests in equal parts of the period, such as hours, in order. Parts without requests have zeros. */
export async function readParts(db: Database, range: Range, partMs: number): Promise<Part[]> {
  const { rows } = await db.execute<Measured<Omit<Part, "start">> & { part: number }>(sql`
    SELECT floor((extract(epoch FROM at) - ${range.from.getTime() / 1000}::float8) / ${partMs / 1000}::float8)::int AS part,
      ${counts}, ${durations}
    FROM rowmill.request_log WHERE ${within(range)} GROUP BY part`);
  const byPart = new Map(rows.map((row) => [row.part, withDurations(row)]));
  const parts = (range.to.getTime() - range.from.getTime()) / partMs;
  return Array.from({ length: parts }, (_, part) => ({
    ...(byPart.get(part) ?? NO_REQUESTS),
    start: new Date(range.from.getTime() + part * partMs),
  }));
}

const NO_REQUESTS = { requests: 0, failed: 0, ms: { avg: 0, p50: 0, p95: 0, p99: 0 } };
