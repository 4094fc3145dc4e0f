/** Records the outcome of an attempt to send a mail. */
import { and, eq, sql } from "drizzle-orm";
import { alertAdmins } from "../../announcements/alert-admins.ts";
import { announce } from "../../announcements/announce.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import type { SmtpOutcome } from "../../platform/smtp/outcome.ts";
import { mailSuppressions, mails } from "../../schema/mails.ts";
import { hold, isHoldOf, RETRY_SECONDS } from "./holds.ts";

export type Mail = typeof mails.$inferSelect;

/** The outcome of a call. */
export type MailOutcome =
  | { readonly kind: "sent"; readonly reply: string }
  /** For good: the mail server refuses the mail, or the recipient gets none. */
  | { readonly kind: "refused"; readonly reply: string }
  | {
      readonly kind: "later";
      readonly afterSeconds: number;
      readonly reply: string;
      /** Within seconds, because this or other mail is being sent. */
      readonly isBrief?: boolean;
      /** No mail can be sent. */
      readonly isForAll?: boolean;
    }
  /** The mail server may have the mail. It is not sent again (MAIL_UNCERTAIN). */
  | { readonly kind: "uncertain"; readonly reply: string }
  /** No mail server is configured. The mail stays in the outbox, and gets a job once there is one. */
  | { readonly kind: "kept" };

/** @param mail as the attempt has found it, with the number of the attempt */
export async function recordOutcome(ctx: Context, mail: Mail, outcome: SmtpOutcome): Promise<MailOutcome> {
  const recorded = await record(ctx, mail, outcome);
  ctx.activity.emit("mailAttempted", recorded.kind);
  return recorded;
}

function record(ctx: Context, mail: Mail, outcome: SmtpOutcome): Promise<MailOutcome> {
  switch (outcome.kind) {
    case "accepted":
      return accept(ctx, mail, outcome.reply);
    case "refused":
      return inTransaction(ctx, (tx) => refuse(tx, mail, outcome));
    case "postponed":
      return inTransaction(ctx, (tx) => postpone(tx, mail, outcome));
    case "misconfigured":
      return inTransaction(ctx, (tx) => stopSending(tx, mail, outcome.reply));
    case "uncertain":
      return inTransaction(ctx, (tx) => doubt(tx, mail, outcome.reply));
  }
}

/** One statement, because most mails are accepted. The server and the domain take mail again, so their holds end. */
async function accept(ctx: Context, { id, address, attempts }: Mail, reply: string): Promise<MailOutcome> {
  const { rows } = await ctx.db.execute(sql`
    WITH freed AS (DELETE FROM rowmill.mail_holds WHERE ${isHoldOf(address)})
    UPDATE rowmill.mails SET state = 'sent', reply = ${reply}, sent_at = statement_timestamp()
    WHERE id = ${id} AND state = 'sending' AND attempts = ${attempts} RETURNING id`);
  if (rows.length === 0) warnOfOldAttempt(ctx, id, attempts);
  return { kind: "sent", reply };
}

async function refuse(
  tx: Tx,
  mail: Mail,
  { reply, isAddress }: { reply: string; isAddress: boolean },
): Promise<MailOutcome> {
  const isLast = await endAttempt(tx, mail, { state: "failed", reply });
  if (isLast && isAddress) await suppress(tx, mail, reply);
  return { kind: "refused", reply };
}

async function suppress(tx: Tx, { address, userId }: Mail, reply: string): Promise<void> {
  const added = await tx.db
    .insert(mailSuppressions)
    .values({ address: address.toLowerCase(), scope: "all", reply })
    .onConflictDoNothing()
    .returning({ createdAt: mailSuppressions.createdAt });
  const [{ createdAt } = { createdAt: null }] = added;
  if (userId === null || createdAt === null) return;
  await announce(tx, {
    kind: "email.refused",
    userId,
    subjectId: address,
    sequence: Math.floor(createdAt.getTime() / 1000),
    data: { address, reply },
  });
}

async function postpone(
  tx: Tx,
  mail: Mail,
  { reply, of }: Extract<SmtpOutcome, { kind: "postponed" }>,
): Promise<MailOutcome> {
  if (of === "domain") await hold(tx, mail, reply);
  if (of === "server" && (await hold(tx, { server: true }, reply)) >= UNREACHABLE_HOLDS)
    await alertAdmins(tx, {
      key: "mail.server",
      subject: "The mail server takes no mail",
      message: `All mail waits until this is repaired. The last attempt ended with: ${reply}`,
    });
  return tryAgain(tx, mail, reply);
}

/** Holds of the mail server in turn, after which it is down for longer than a restart takes. */
const UNREACHABLE_HOLDS = 3;

/** The settings are wrong, not the mail: the attempt does not count, and no other mail is tried for a while. */
async function stopSending(tx: Tx, mail: Mail, reply: string): Promise<MailOutcome> {
  await hold(tx, { server: true }, reply);
  await alertAdmins(tx, {
    key: "mail.server",
    subject: "The mail server refuses Rowmill",
    message: `No mail is sent until this is repaired. Check SMTP_URL or EMAIL_HOST, the password, and EMAIL_FROM. The mail server answered: ${reply}`,
  });
  const [seconds] = RETRY_SECONDS;
  const attempts = sql`${mails.attempts} - 1`;
  await endAttempt(tx, mail, { state: "queued", reply, attempts, dueAt: after(seconds) });
  return { kind: "later", afterSeconds: seconds, reply };
}

/** The mail server may have the mail. */
async function doubt(tx: Tx, mail: Mail, reply: string): Promise<MailOutcome> {
  if (tx.config.mail.uncertain === "retry") {
    const outcome = await tryAgain(tx, mail, reply, "uncertain");
    if (outcome.kind === "later") return outcome;
  } else await endAttempt(tx, mail, { state: "uncertain", reply });
  return { kind: "uncertain", reply };
}

/** @param last the state after the last attempt */
async function tryAgain(
  tx: Tx,
  mail: Mail,
  reply: string,
  last: "failed" | "uncertain" = "failed",
): Promise<MailOutcome> {
  const seconds = RETRY_SECONDS[mail.attempts - 1];
  if (seconds === undefined) {
    const final = `Gave up after ${mail.attempts} attempts. ${reply}`;
    await endAttempt(tx, mail, { state: last, reply: final });
    return { kind: "refused", reply: final };
  }
  await endAttempt(tx, mail, { state: "queued", reply, dueAt: after(seconds) });
  return { kind: "later", afterSeconds: seconds, reply };
}

const after = (seconds: number) => sql`statement_timestamp() + make_interval(secs => ${seconds})`;

/** @returns false if the attempt is not the last one, so its outcome does not count */
async function endAttempt(
  { db, log }: Tx,
  { id, attempts }: Mail,
  changes: Parameters<ReturnType<typeof db.update<typeof mails>>["set"]>[0],
): Promise<boolean> {
  const { rowCount } = await db
    .update(mails)
    .set(changes)
    .where(and(eq(mails.id, id), eq(mails.state, "sending"), eq(mails.attempts, attempts)));
  if (rowCount === 1) return true;
  warnOfOldAttempt({ log }, id, attempts);
  return false;
}

function warnOfOldAttempt({ log }: Pick<Context, "log">, id: string, attempts: number): void {
  log.warn({ mailId: id, attempt: attempts }, "the outcome of an old attempt to send a mail is ignored");
}
