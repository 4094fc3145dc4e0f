import { sql } from "drizzle-orm";
import { lockAccount } from "../../accounts/lock-account.ts";
import { announce } from "../../announcements/announce.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { MustWait, Permanent } from "../../errors.ts";
import { cancelMails } from "../../mails/send/cancel-mails.ts";
import { sendMailNow } from "../../mails/send/send-mail-now.ts";
import type { Attempt, TargetBatch } from "../target.ts";
import type { Recipient } from "./find-recipient.ts";

export interface Message {
  readonly subject: string;
  readonly message: string;
}

/** Adds the message to the notifications of a user. A repeated call, also for another row of the user, adds nothing. */
export async function showMessage(
  ctx: Context,
  { id: batchId }: TargetBatch,
  { userId, isInApp }: Recipient,
  message: Message,
): Promise<void> {
  if (userId === null || !isInApp || (await isShown(ctx, batchId, userId))) return;
  await inTransaction(ctx, async (tx) => {
    // Two rows of one user can be handled at the same time.
    await lockAccount(tx, userId);
    if (await isShown(tx, batchId, userId)) return;
    await announce(tx, { kind: "message", userId, subjectId: batchId, sequence: 1, data: { ...message } });
  });
}

async function isShown({ db }: Context, batchId: string, userId: number): Promise<boolean> {
  const { rows } = await db.execute(sql`
    SELECT FROM rowmill.notifications
    WHERE user_id = ${userId} AND kind = 'message' AND subject_id = ${batchId} AND (is_in_app OR is_mailed) LIMIT 1`);
  return rows.length > 0;
}

/**
 * Sends the message by e-mail. An address gets one mail per batch: rows with the same address share it, and a row that is
 * repeated after a crash finds what was sent.
 * @throws Permanent if the mail server refuses the address, or the user wants no such mail; MustWait while the mail waits,
 * which has its own retries and ends after a day, or after three days in a queue
 */
export async function mailMessage(
  ctx: Context,
  batch: TargetBatch,
  recipient: Recipient,
  message: Message,
  { signal }: Attempt,
): Promise<void> {
  const { address, sender, userId, name, isInApp, isMailed } = recipient;
  if (address === "") {
    if (isInApp) return;
    throw new Permanent("no_address", "The account has no email address, and wants no messages in the app.");
  }
  if (!isMailed) {
    if (isInApp) return;
    throw new Permanent("unsubscribed", "The account wants no messages.");
  }
  const mail = {
    kind: "bulk_message",
    to: { userId, address, name },
    data: { ...message, sender },
    key: keyOf(batch.id, address),
  } as const;
  const outcome = await sendMailNow(ctx, mail, signal);
  switch (outcome.kind) {
    case "sent":
    case "kept":
      return;
    case "refused":
      throw new Permanent("mail_refused", `The mail was not delivered: ${outcome.reply}`);
    case "uncertain":
      throw new Permanent("mail_uncertain", `The mail server may have the mail: ${outcome.reply}`);
    case "later": {
      const { afterSeconds, reply, isForAll = false } = outcome;
      const message = `The mail server does not take the mail now: ${reply}`;
      throw new MustWait("mail_delayed", message, { afterSeconds, isForAll });
    }
  }
}

/** Cancels the mails of rows that have no result. A row that is retried queues its mail again. */
export async function cancelMessages(tx: Tx, batchId: string): Promise<void> {
  await cancelMails(tx, keyOf(batchId), "The batch ended before the mail was sent.");
}

const keyOf = (batchId: string, address = "") => `message/${batchId}/${address.toLowerCase()}`;
