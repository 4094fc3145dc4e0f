/** Counters of failed logins in PostgreSQL, so that all API processes count together. */
import { sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { loginCounters } from "../schema/accounts.ts";

export interface Counter {
  readonly key: string;
  /** The number of failures without a delay. After these, one attempt runs at a time. */
  readonly freeFailures: number;
  /** The delay after the last free failure. It doubles with each failure, up to the maximum. */
  readonly firstDelaySeconds: number;
  readonly maxDelaySeconds: number;
  /** Failures are forgotten this long after the last one. */
  readonly forgetSeconds: number;
  /** A right password resets these counters only. */
  readonly isOfSource: boolean;
  /** For the answer: the failures that the counter counts. */
  readonly scope: string;
}

/** A process that dies while it verifies a password occupies its place for this long. */
const MAX_RUN_SECONDS = 60;
const KNOWN_DAYS = 90;

export type Admission =
  | { readonly kind: "admitted" }
  /** Attempts that are running may yet fail and reach the limit. */
  | { readonly kind: "wait" }
  | { readonly kind: "blocked"; readonly counter: Counter; readonly seconds: number };

/** Counts an attempt as running if each counter allows one more failure. */
export function admit(ctx: Context, counters: readonly Counter[]): Promise<Admission> {
  return inTransaction(ctx, async ({ db }) => {
    // In the order of the keys, so that two transactions cannot deadlock.
    const { rows } = await db.execute<{
      key: string;
      failures: number;
      running: number;
      seconds: number;
    }>(sql`
      INSERT INTO rowmill.login_counters AS counter (key)
      SELECT key FROM unnest(${keysOf(counters)}::text[]) AS wanted (key) ORDER BY key
      ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN counter.forget_at <= now() THEN 0 ELSE counter.failures END,
        running = CASE WHEN counter.running_until <= now() THEN 0 ELSE counter.running END
      RETURNING key, failures, running,
        coalesce(extract(epoch FROM blocked_until - now()), 0)::float8 AS seconds`);
    const stored = new Map(rows.map((row) => [row.key, row]));
    const states = counters.map((counter) => ({
      counter,
      ...(stored.get(counter.key) ?? { failures: 0, running: 0, seconds: 0 }),
    }));
    const [longest] = states.toSorted((a, b) => b.seconds - a.seconds);
    if (longest && longest.seconds > 0)
      return { kind: "blocked", counter: longest.counter, seconds: longest.seconds };
    const isFull = states.some(
      ({ counter, failures, running }) => running >= Math.max(1, counter.freeFailures - failures),
    );
    if (isFull) return { kind: "wait" };
    await db.execute(sql`
      UPDATE rowmill.login_counters SET running = running + 1, running_until = now() + make_interval(secs => ${MAX_RUN_SECONDS})
      WHERE key = ANY(${keysOf(counters)}::text[])`);
    return { kind: "admitted" };
  });
}

/** `unknown`: the password could not be verified. */
export type Outcome = "right" | "wrong" | "unknown";

/** Records the outcome of an attempt that `admit` admitted. */
export async function settle(ctx: Context, counters: readonly Counter[], outcome: Outcome): Promise<void> {
  const column = (name: keyof Counter) => sql.param(counters.map((counter) => counter[name]));
  const isWrong = outcome === "wrong";
  const isReset = sql`(${outcome === "right"}::boolean AND is_of_source)`;
  await ctx.db.execute(sql`
    WITH locked AS (
      SELECT key FROM rowmill.login_counters WHERE key = ANY(${keysOf(counters)}::text[]) ORDER BY key FOR UPDATE
    )
    UPDATE rowmill.login_counters AS counter SET
      running = greatest(running - 1, 0),
      failures = CASE WHEN ${isReset} THEN 0 ELSE failures + ${isWrong ? 1 : 0} END,
      blocked_until = CASE WHEN ${isReset} THEN NULL
        WHEN ${isWrong}::boolean AND failures + 1 >= free_failures
        THEN now() + least(max_delay, first_delay * 2 ^ least(failures + 1 - free_failures, 30)) * interval '1 second'
        ELSE blocked_until END,
      forget_at = CASE WHEN ${isWrong}::boolean THEN now() + make_interval(secs => forget) ELSE forget_at END,
      known_until = CASE WHEN ${isReset} THEN now() + make_interval(days => ${KNOWN_DAYS}) ELSE known_until END
    FROM locked JOIN unnest(
      ${keysOf(counters)}::text[], ${column("freeFailures")}::int[], ${column("firstDelaySeconds")}::float8[],
      ${column("maxDelaySeconds")}::float8[], ${column("forgetSeconds")}::float8[], ${column("isOfSource")}::boolean[]
    ) AS rule (key, free_failures, first_delay, max_delay, forget, is_of_source) ON rule.key = locked.key
    WHERE counter.key = locked.key`);
}

/** Whether a login from this source succeeded in the last 90 days. */
export async function isKnown({ db }: Context, { key }: Counter): Promise<boolean> {
  const { rowCount } = await db.execute(
    sql`SELECT FROM rowmill.login_counters WHERE key = ${key} AND known_until > now()`,
  );
  return rowCount === 1;
}

export async function removeOldLoginCounters({ db }: Context): Promise<number> {
  const { rowCount } = await db
    .delete(loginCounters)
    .where(sql`greatest(forget_at, running_until, blocked_until, known_until) < now()`);
  return rowCount ?? 0;
}

function keysOf(counters: readonly Counter[]) {
  return sql.param(counters.map(({ key }) => key));
}
