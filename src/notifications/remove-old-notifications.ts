import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { retentionLimit } from "../retention.ts";

/** Notifications per statement. */
const PAGE = 1000;

/** The newest notifications that stay of one user. */
export const MAX_PER_USER = 10_000;

/** Removes notifications that are older than RETENTION_DAYS or beyond the newest of their user. @returns their number */
export async function removeOldNotifications(ctx: Context): Promise<number> {
  const expired = sql`SELECT id FROM rowmill.notifications WHERE created_at < ${retentionLimit(ctx)} LIMIT ${PAGE}`;
  let removed = await removeAll(ctx, expired);
  // They only prevent an alert from being repeated within an hour.
  await ctx.db.execute(
    sql`DELETE FROM rowmill.admin_alerts WHERE alerted_at < statement_timestamp() - interval '1 day'`,
  );
  for await (const { userId, oldestKept } of longLists(ctx)) {
    const isExcess = sql`SELECT id FROM rowmill.notifications WHERE user_id = ${userId} AND is_in_app AND id < ${oldestKept} LIMIT ${PAGE}`;
    removed += await removeAll(ctx, isExcess);
  }
  return removed;
}

async function removeAll(ctx: Context, ids: ReturnType<typeof sql>): Promise<number> {
  for (let removed = 0; ; ) {
    const { rowCount } = await ctx.db.execute(
      sql`DELETE FROM rowmill.notifications WHERE id = ANY(ARRAY(${ids}))`,
    );
    removed += rowCount ?? 0;
    if ((rowCount ?? 0) < PAGE) return removed;
  }
}

interface LongList {
  readonly userId: string;
  readonly oldestKept: string;
}

/** Goes through the users that have notifications, one look-up in the index per user. */
async function* longLists(ctx: Context): AsyncGenerator<LongList> {
  for (let after = "0"; ; ) {
    const { rows } = await ctx.db.execute<{ userId: string; oldestKept: string | null }>(sql`
      SELECT owner.id AS "userId", (
        SELECT id FROM rowmill.notifications WHERE user_id = owner.id AND is_in_app
        ORDER BY id DESC OFFSET ${MAX_PER_USER - 1} LIMIT 1
      ) AS "oldestKept"
      FROM (SELECT id FROM rowmill.users WHERE id > ${after} ORDER BY id LIMIT ${PAGE}) AS owner ORDER BY owner.id`);
    for (const { userId, oldestKept } of rows) {
      if (oldestKept !== null) yield { userId, oldestKept };
      after = userId;
    }
    if (rows.length === 0) return;
  }
}
