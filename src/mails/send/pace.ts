import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";

/**
 * Takes a turn, so that all workers together send at most MAIL_PER_SECOND.
 * @param aheadSeconds the turns that may be taken ahead
 * @returns the seconds until the turn; null: all of these turns are taken
 */
export async function takeTurn({ db, config }: Context, aheadSeconds: number): Promise<number | null> {
  const interval = sql`make_interval(secs => ${1 / config.mail.perSecond})`;
  const { rows } = await db.execute<{ wait: number }>(sql`
    INSERT INTO rowmill.mail_pace AS pace (id, next_at) VALUES (1, clock_timestamp() + ${interval})
    ON CONFLICT (id) DO UPDATE SET next_at = greatest(pace.next_at, clock_timestamp()) + ${interval}
      WHERE pace.next_at < clock_timestamp() + make_interval(secs => ${aheadSeconds})
    RETURNING extract(epoch FROM next_at - ${interval} - clock_timestamp())::float8 AS wait`);
  const [turn] = rows;
  return turn ? Math.max(0, turn.wait) : null;
}
