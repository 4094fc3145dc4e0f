import { setTimeout as sleep } from "node:timers/promises";
import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { mails } from "../../schema/mails.ts";
import { type NewMail, newRow } from "../add-mail.ts";
import type { MailKind } from "../mail-data.ts";
import { attemptStored } from "./attempt-mail.ts";
import type { Mail, MailOutcome } from "./record-outcome.ts";

/** The time that a caller waits in place for MAIL_PER_SECOND, or for another caller that sends the same mail. */
const IN_PLACE_SECONDS = 20;
const LOOK_SECONDS = 1;

/**
 * Sends one mail without a job, and returns its outcome. The caller repeats the call after `later`. Calls with the same key
 * are about the same mail, so a repeated call after a crash does not send it twice, as far as SMTP allows. If the caller does
 * not come back, the mail is cancelled (cancel-mails.ts); a later call queues it again.
 * @param ctx not a transaction: an attempt must be stored even if the work of the caller is rolled back
 * @param signal ends the waiting
 * @throws if `signal` aborts before the mail is sent
 */
export async function sendMailNow<K extends MailKind>(
  ctx: Context,
  mail: NewMail<K> & { readonly key: string },
  signal: AbortSignal,
): Promise<MailOutcome> {
  const deadline = performance.now() + IN_PLACE_SECONDS * 1000;
  for (;;) {
    const stored = (await find(ctx, mail.key)) ?? (await add(ctx, mail));
    const outcome = await attemptStored(ctx, stored, { signal });
    if (outcome.kind !== "later" || !outcome.isBrief || performance.now() > deadline) return outcome;
    await sleep(Math.min(outcome.afterSeconds, LOOK_SECONDS) * 1000, undefined, { signal });
  }
}

async function find({ db }: Context, key: string): Promise<Mail | undefined> {
  const isThis = eq(mails.key, key);
  const [found] = await db.select().from(mails).where(isThis);
  if (found?.state !== "cancelled") return found;
  const now = sql`statement_timestamp()`;
  const [queued] = await db
    .update(mails)
    .set({ state: "queued", reply: null, dueAt: now, queuedAt: now })
    .where(and(isThis, eq(mails.state, "cancelled")))
    .returning();
  return queued ?? found;
}

/** @returns undefined if the mail was removed at once */
async function add<K extends MailKind>(
  ctx: Context,
  mail: NewMail<K> & { readonly key: string },
): Promise<Mail | undefined> {
  const [added] = await ctx.db
    .insert(mails)
    .values({ ...newRow(ctx.now(), mail), hasJob: false })
    .onConflictDoNothing()
    .returning();
  // Another caller may have added it.
  return added ?? find(ctx, mail.key);
}
