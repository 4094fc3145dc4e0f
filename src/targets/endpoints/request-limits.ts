/** The limits of an endpoint, which all workers and all batches of its target share. */
import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../context.ts";

/** After a pause, this much of the rate may be caught up. */
const CATCH_UP_SECONDS = 1;

/** A batch that has waited this long for a place goes first. */
const PATIENCE = sql`interval '2 seconds'`;
/** A batch that has not asked for a place for this long does not wait any more. It is longer than the longest pause. */
const STALE = sql`interval '15 seconds'`;
const MIN_PAUSE_SECONDS = 0.5;
const MAX_PAUSE_SECONDS = 10;
/** The more batches wait, the less often each of them asks. */
const PAUSE_PER_WAIT_SECONDS = 0.1;

export interface PlaceRequest {
  readonly target: string;
  readonly batchId: string;
  /** The number of requests at a time. */
  readonly places: number;
}

/**
 * Takes one of the places for requests until the transaction ends, also if it ends with its worker. It never waits.
 * @param ctx outside the transaction
 * @returns 0, or the seconds until the next try
 */
export async function takePlace(ctx: Context, tx: Tx, request: PlaceRequest): Promise<number> {
  const { target, batchId, places } = request;
  if (
    (await lockPlace(tx, request)) ||
    ((await addPlaces(ctx, target, places)) && (await lockPlace(tx, request)))
  ) {
    await ctx.db.execute(
      sql`DELETE FROM rowmill.endpoint_waits WHERE target = ${target} AND batch_id = ${batchId}`,
    );
    return 0;
  }
  return joinWaits(ctx, request);
}

async function addPlaces({ db }: Context, target: string, places: number): Promise<boolean> {
  const { rows } = await db.execute(sql`
    INSERT INTO rowmill.endpoint_slots (target, slot) SELECT ${target}, generate_series(1, ${places}::int)
    ON CONFLICT DO NOTHING RETURNING slot`);
  return rows.length > 0;
}

/** A batch that is being sent would always find the place that it has just given back, and others would never. */
async function lockPlace({ db }: Tx, { target, batchId, places }: PlaceRequest): Promise<boolean> {
  const { rows } = await db.execute(sql`
    SELECT slot FROM rowmill.endpoint_slots
    WHERE target = ${target} AND slot <= ${places} AND NOT EXISTS (
      SELECT FROM rowmill.endpoint_waits AS other
      WHERE other.target = ${target} AND other.batch_id <> ${batchId} AND seen_at > clock_timestamp() - ${STALE}
        AND since < clock_timestamp() - ${PATIENCE} AND since < coalesce((
          SELECT own.since FROM rowmill.endpoint_waits AS own WHERE own.target = ${target} AND own.batch_id = ${batchId}
        ), clock_timestamp())
    )
    ORDER BY slot LIMIT 1 FOR UPDATE OF endpoint_slots SKIP LOCKED`);
  return rows.length > 0;
}

/** @returns the seconds until the next try */
async function joinWaits({ db }: Context, { target, batchId }: PlaceRequest): Promise<number> {
  await db.execute(sql`
    INSERT INTO rowmill.endpoint_waits AS own (target, batch_id, since, seen_at)
    VALUES (${target}, ${batchId}, clock_timestamp(), clock_timestamp())
    ON CONFLICT (target, batch_id) DO UPDATE SET seen_at = clock_timestamp(),
      since = CASE WHEN own.seen_at > clock_timestamp() - ${STALE} THEN own.since ELSE clock_timestamp() END`);
  await db.execute(sql`
    DELETE FROM rowmill.endpoint_waits
    WHERE target = ${target} AND batch_id <> ${batchId} AND seen_at < clock_timestamp() - ${STALE}`);
  const { rows } = await db.execute<{ waits: number }>(
    sql`SELECT count(*)::int AS waits FROM rowmill.endpoint_waits WHERE target = ${target}`,
  );
  const pause = (rows[0]?.waits ?? 0) * PAUSE_PER_WAIT_SECONDS;
  return Math.min(MAX_PAUSE_SECONDS, Math.max(MIN_PAUSE_SECONDS, pause)) * (0.75 + Math.random() / 2);
}

/**
 * Counts rows before they are sent, in a statement of its own: a lock until the end of the request would stop all others.
 * @returns 0, or the seconds until rows may be sent; then nothing is counted
 */
export async function reservePace(
  { db }: Context,
  target: string,
  count: number,
  rowsPerSecond: number,
): Promise<number> {
  const { rowCount } = await db.execute(sql`
    UPDATE rowmill.target_definitions SET paced_until =
      greatest(coalesce(paced_until, '-infinity'), clock_timestamp() - make_interval(secs => ${CATCH_UP_SECONDS}))
        + make_interval(secs => ${count / rowsPerSecond}::float8)
    WHERE name = ${target} AND coalesce(paced_until, '-infinity') <= clock_timestamp()`);
  if ((rowCount ?? 0) > 0) return 0;
  const { rows } = await db.execute<{ seconds: number }>(sql`
    SELECT greatest(0.05, extract(epoch FROM paced_until - clock_timestamp()))::float8 AS seconds
    FROM rowmill.target_definitions WHERE name = ${target}`);
  // A target without a definition is one of a test.
  return rows[0]?.seconds ?? 0;
}
