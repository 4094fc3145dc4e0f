/** The limits of an endpoint, which all workers and all batches of its target share. */
import { sql } from "drizzle-orm";
import type { Context, Tx } from "../../context.ts";

/** After a pause, this much of the rate may be caught up. */
const CATCH_UP_SECONDS = 1;

/**
 * Takes one of the places for requests until the transaction ends, also if it ends with its worker. It never waits.
 * @param ctx outside the transaction
 */
export async function takePlace(ctx: Context, tx: Tx, target: string, places: number): Promise<boolean> {
  if (await lockPlace(tx, target, places)) return true;
  const { rowCount } = await ctx.db.execute(sql`
    INSERT INTO rowmill.endpoint_slots (target, slot) SELECT ${target}, generate_series(1, ${places}::int)
    ON CONFLICT DO NOTHING`);
  return (rowCount ?? 0) > 0 && lockPlace(tx, target, places);
}

async function lockPlace({ db }: Tx, target: string, places: number): Promise<boolean> {
  const { rows } = await db.execute(sql`
    SELECT slot FROM rowmill.endpoint_slots WHERE target = ${target} AND slot <= ${places}
    ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED`);
  return rows.length > 0;
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
