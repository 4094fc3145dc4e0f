import { setTimeout as sleep } from "node:timers/promises";
import { eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { mails } from "../../schema/mails.ts";
import { type NewMail, newRow } from "../add-mail.ts";
import type { MailKind } from "../mail-data.ts";
import { attemptMail } from "./attempt-mail.ts";
import type { MailOutcome } from "./record-outcome.ts";

/**
 * Sends one mail without a job, and returns its outcome. Waits for a turn. The caller repeats the call after `later`. Calls with the same
 * key are about the same mail, so a repeated call after a crash does not send it twice, as far as SMTP allows.
 * @param ctx not a transaction: an attempt must be stored even if the work of the caller is rolled back
 * @param signal ends the waiting for MAIL_PER_SECOND
 * @throws if `signal` aborts before the mail is sent
 */
export async function sendMailNow<K extends MailKind>(
  ctx: Context,
  mail: NewMail<K> & { readonly key: string },
  signal: AbortSignal,
): Promise<MailOutcome> {
  // Without a server, the reconciler enqueues the mail once there is one.
  const hasJob = ctx.smtp === null;
  await ctx.db
    .insert(mails)
    .values({ ...newRow(ctx.now(), mail), hasJob })
    .onConflictDoNothing();
  const [stored] = await ctx.db.select({ id: mails.id }).from(mails).where(eq(mails.key, mail.key));
  if (!stored) return { kind: "refused", reply: "The mail was removed." };
  for (;;) {
    const outcome = await attemptMail(ctx, stored.id, { signal });
    if (outcome.kind !== "later" || !outcome.isCrowded) return outcome;
    await sleep(outcome.afterSeconds * 1000, undefined, { signal });
  }
}
