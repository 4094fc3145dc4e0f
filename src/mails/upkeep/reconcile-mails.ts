/** Enqueues mails again whose job was lost, settles mails whose sender was lost, and cancels those whose caller was. */
import { and, eq, lt, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { jobs } from "../../jobs.ts";
import { mails } from "../../schema/mails.ts";
import { jobOf } from "../add-mail.ts";
import type { MailKind } from "../mail-data.ts";
import { settleLost } from "../send/attempt-mail.ts";
import { cancelAbandoned } from "../send/cancel-mails.ts";

/** A mail and its job commit together, so a job that is still missing after this time is lost. */
const LOST_JOB_SECONDS = 30;
const PAGE = 1000;
/** Jobs that one run adds. If a mail server is configured after a while, the outbox can be long. */
const MAX_ENQUEUED = 1000;

export interface ReconciledMails {
  readonly mailsRequeued: number;
  readonly mailsSettled: number;
  readonly mailsCancelled: number;
}

/** Runs every minute. Safe to run at any time and concurrently. */
export async function reconcileMails(ctx: Context): Promise<ReconciledMails> {
  return {
    mailsSettled: await settleLostMails(ctx),
    mailsCancelled: await cancelAbandoned(ctx),
    mailsRequeued: ctx.smtp ? await requeueMails(ctx) : 0,
  };
}

const isOverdue = (now: Date) => lt(mails.dueAt, new Date(now.getTime() - LOST_JOB_SECONDS * 1000));

async function settleLostMails(ctx: Context): Promise<number> {
  const lost = await ctx.db
    .select()
    .from(mails)
    .where(and(eq(mails.state, "sending"), isOverdue(ctx.now())))
    .limit(PAGE);
  for (const mail of lost) await settleLost(ctx, mail);
  return lost.length;
}

async function requeueMails(ctx: Context): Promise<number> {
  let requeued = 0;
  for await (const page of overdueMails(ctx)) {
    const live = await ctx.queue.live(
      ctx.db,
      jobs.sendMail,
      page.map(({ id }) => id),
    );
    const lost = page.filter(({ id }) => !live.has(id)).slice(0, MAX_ENQUEUED - requeued);
    requeued += await requeue(ctx, lost);
    if (requeued >= MAX_ENQUEUED) break;
  }
  return requeued;
}

type OverdueMail = Pick<typeof mails.$inferSelect, "id" | "kind">;

/** Oldest first. */
async function* overdueMails({ db, now }: Context): AsyncGenerator<OverdueMail[]> {
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const page = await db
      .select({ id: mails.id, kind: mails.kind })
      .from(mails)
      .where(and(eq(mails.state, "queued"), mails.hasJob, isOverdue(now()), sql`${mails.id} > ${after}`))
      .orderBy(mails.id)
      .limit(PAGE);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = last.id;
  }
}

/** A job that has ended would prevent the insert, so it is removed. A job that another reconciler has added stays. */
async function requeue(ctx: Context, lost: readonly OverdueMail[]): Promise<number> {
  if (lost.length === 0) return 0;
  await inTransaction(ctx, async (tx) => {
    const ids = lost.map(({ id }) => id);
    const live = await tx.queue.live(tx.db, jobs.sendMail, ids);
    const missing = lost.filter(({ id }) => !live.has(id));
    await tx.queue.remove(
      tx.db,
      jobs.sendMail,
      missing.map(({ id }) => id),
    );
    await tx.queue.add(
      tx.db,
      jobs.sendMail,
      missing.map(({ id, kind }) => jobOf(id, kind as MailKind)),
    );
  });
  ctx.log.info({ mails: lost.length }, "enqueued mails that had no job");
  return lost.length;
}
