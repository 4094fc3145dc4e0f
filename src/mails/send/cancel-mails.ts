/**
 * Cancels mails without a job (`sendMailNow`) whose caller does not repeat the call any more. Otherwise they would stay
 * queued for ever, and be sent long after their batch or task has ended.
 */
import { and, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { mails } from "../../schema/mails.ts";

/** A caller comes back when its mail is due, or later if its queue is long. */
const ABANDONED_SECONDS = 3600;
const PAGE = 1000;

const isWithoutJob = and(eq(mails.state, "queued"), eq(mails.hasJob, false));

/** Cancels the queued mails whose keys begin with the prefix. */
export async function cancelMails(ctx: Context, keyPrefix: string, reply: string): Promise<void> {
  await cancel(ctx, and(isWithoutJob, sql`starts_with(${mails.key}, ${keyPrefix})`), reply);
}

/** @returns the number of cancelled mails */
export function cancelAbandoned(ctx: Context): Promise<number> {
  const isOverdue = lt(mails.dueAt, new Date(ctx.now().getTime() - ABANDONED_SECONDS * 1000));
  const abandoned = ctx.db
    .select({ id: mails.id })
    .from(mails)
    .where(and(isWithoutJob, isOverdue))
    .limit(PAGE);
  const reply = "The batch or task that sends it was paused or has ended.";
  return cancel(ctx, and(isWithoutJob, inArray(mails.id, abandoned)), reply);
}

async function cancel({ db }: Context, isMeant: SQL | undefined, reply: string): Promise<number> {
  const { rowCount } = await db.update(mails).set({ state: "cancelled", reply }).where(isMeant);
  return rowCount ?? 0;
}
