import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { retentionLimit } from "../../retention.ts";

const PAGE = 10_000;

/** Removes mails after RETENTION_DAYS, and holds that are long over. Addresses that refuse mail are kept. */
export async function removeOldMails(ctx: Context): Promise<number> {
  await ctx.db.execute(
    sql`DELETE FROM rowmill.mail_holds WHERE held_until < statement_timestamp() - interval '7 days'`,
  );
  const limit = retentionLimit(ctx).toISOString();
  for (let removed = 0; ; ) {
    const { rowCount } = await ctx.db.execute(sql`
      DELETE FROM rowmill.mails WHERE id IN (
        SELECT id FROM rowmill.mails
        WHERE created_at < ${limit} AND queued_at < ${limit} AND state <> 'sending' ORDER BY created_at LIMIT ${PAGE}
      )`);
    removed += rowCount ?? 0;
    if ((rowCount ?? 0) < PAGE) return removed;
  }
}
