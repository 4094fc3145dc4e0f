import { setTimeout as sleep } from "node:timers/promises";
import { and, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { isTransient } from "../../platform/postgres/database.ts";
import type { SmtpOutcome } from "../../platform/smtp/outcome.ts";
import { type Message, SEND_SECONDS, type SmtpClient } from "../../platform/smtp/smtp-client.ts";
import { mails } from "../../schema/mails.ts";
import { mailKinds, templateOf } from "../kinds/all.ts";
import { renderMail } from "../render/render-mail.ts";
import { findHindrances, type Hindrances, type Hold } from "./holds.ts";
import { takeTurn } from "./pace.ts";
import { type Mail, type MailOutcome, recordOutcome } from "./record-outcome.ts";

/** A mail that has waited for longer is not sent any more: nobody expects it. */
const MAX_AGE_HOURS = 72;
/** The time in which an attempt ends and is recorded. After it, the attempt counts as lost. */
const ATTEMPT_SECONDS = SEND_SECONDS + 40;
const RECORD_SECONDS = 30;
/** While workers are upgraded. */
const UNKNOWN_SECONDS = 300;
/** When a job looks again at a mail that another sender is sending. */
const SENDING_SECONDS = 20;
/** The turns that a mail takes ahead. Messages to many people take fewer, so that a turn is left for a password reset. */
const AHEAD_SECONDS = 5;
const BULK_AHEAD_SECONDS = 1;

const LOST = "The sender ended before it could record an answer.";

export interface AttemptOptions {
  /** Ends the waiting for a turn. */
  readonly signal?: AbortSignal;
  /** Ends the sending as well, which leaves the outcome uncertain. */
  readonly sendSignal?: AbortSignal;
}

/**
 * Sends the mail if it is due and nothing speaks against it. Any number of callers can try at the same time: one sends.
 * @throws if `signal` aborts before the mail is sent
 */
export async function attemptMail(ctx: Context, id: string, options: AttemptOptions): Promise<MailOutcome> {
  const [mail] = await ctx.db.select().from(mails).where(eq(mails.id, id));
  return attemptStored(ctx, mail, options);
}

/** Like `attemptMail`, for a mail that the caller has just read. @param mail undefined if it was removed */
export async function attemptStored(
  ctx: Context,
  mail: Mail | undefined,
  options: AttemptOptions,
): Promise<MailOutcome> {
  const { smtp } = ctx;
  if (!mail) return { kind: "refused", reply: "The mail was removed." };
  if (mail.state === "sending") return settleLost(ctx, mail);
  if (mail.state !== "queued") return outcomeOf(mail);
  if (!smtp) return keep(ctx, mail);
  return (
    (await obstacle(ctx, mail)) ?? (await waitForTurn(ctx, mail, options)) ?? send(ctx, smtp, mail, options)
  );
}

/** An attempt whose time is over was lost with its process, and nobody knows whether the server has the mail. */
export async function settleLost(ctx: Context, mail: Mail): Promise<MailOutcome> {
  const seconds = secondsUntil(ctx, mail.dueAt);
  if (seconds > 0)
    return {
      kind: "later",
      afterSeconds: Math.min(seconds, SENDING_SECONDS),
      reply: "The mail is being sent.",
      isBrief: true,
    };
  ctx.log.warn({ mailId: mail.id, attempt: mail.attempts }, "the sender of a mail was lost");
  return recordOutcome(ctx, mail, { kind: "uncertain", reply: LOST });
}

function outcomeOf({ state, reply: last }: Mail): MailOutcome {
  const reply = last ?? "";
  if (state === "sent" || state === "uncertain") return { kind: state, reply };
  return { kind: "refused", reply };
}

async function keep({ db }: Context, { id }: Mail): Promise<MailOutcome> {
  await db.update(mails).set({ hasJob: true }).where(eq(mails.id, id));
  return { kind: "kept" };
}

function secondsUntil({ now }: Context, moment: Date): number {
  return Math.max(0, (moment.getTime() - now().getTime()) / 1000);
}

/** @returns null if the mail can be sent now */
async function obstacle(ctx: Context, mail: Mail): Promise<MailOutcome | null> {
  const reply = mail.reply ?? "";
  const wait = secondsUntil(ctx, mail.dueAt);
  if (wait > 0) return { kind: "later", afterSeconds: wait, reply };
  if (!mailKinds.some((kind) => kind === mail.kind))
    return {
      kind: "later",
      afterSeconds: UNKNOWN_SECONDS,
      reply: "A worker of a later version sends the mail.",
    };
  const { maxAgeHours = MAX_AGE_HOURS } = templateOf(mail).template;
  if (ctx.now().getTime() - mail.queuedAt.getTime() > maxAgeHours * 3_600_000)
    return end(ctx, mail, "failed", `It was not sent within ${maxAgeHours} h.`);
  const { suppression, hold } = await findHindrances(ctx, mail.address, scopesOf(mail));
  if (suppression) return end(ctx, mail, "suppressed", reasonOf(suppression));
  return hold && waitFor(ctx, mail, hold);
}

async function waitFor(ctx: Context, mail: Mail, hold: Hold): Promise<MailOutcome> {
  const { seconds, reply, isServer } = hold;
  // Its caller comes back then. Otherwise the mail would seem to be left by its caller (cancel-mails.ts).
  if (!mail.hasJob) await postponeMail(ctx, mail, seconds);
  return { kind: "later", afterSeconds: seconds, reply, isForAll: isServer };
}

async function postponeMail({ db }: Context, { id }: Mail, seconds: number): Promise<void> {
  await db
    .update(mails)
    .set({ dueAt: sql`statement_timestamp() + make_interval(secs => ${seconds})` })
    .where(and(eq(mails.id, id), eq(mails.state, "queued")));
}

function scopesOf(mail: Mail): ("all" | "bulk_message")[] {
  const { template, data } = templateOf(mail);
  return template.subscription(data) === "bulk_message" ? ["all", "bulk_message"] : ["all"];
}

/** Why the address gets no such mail. */
function reasonOf({ scope, reply }: NonNullable<Hindrances["suppression"]>): string {
  return scope === "all"
    ? `The address has refused mail before: ${reply ?? ""}`
    : "The recipient has unsubscribed.";
}

async function end(
  ctx: Context,
  { id }: Mail,
  state: "failed" | "suppressed",
  reply: string,
): Promise<MailOutcome> {
  await ctx.db
    .update(mails)
    .set({ state, reply })
    .where(and(eq(mails.id, id), eq(mails.state, "queued")));
  return { kind: "refused", reply };
}

async function waitForTurn(
  ctx: Context,
  { kind }: Mail,
  { signal }: AttemptOptions,
): Promise<MailOutcome | null> {
  const aheadSeconds = kind === "bulk_message" ? BULK_AHEAD_SECONDS : AHEAD_SECONDS;
  const seconds = await takeTurn(ctx, aheadSeconds);
  if (seconds === null)
    return {
      kind: "later",
      afterSeconds: aheadSeconds,
      reply: "Other mail is being sent (MAIL_PER_SECOND).",
      isBrief: true,
    };
  await pause(seconds, signal);
  return null;
}

/** @throws if `signal` aborts */
async function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (seconds > 0) await sleep(seconds * 1000, undefined, signal && { signal });
}

async function send(
  ctx: Context,
  smtp: SmtpClient,
  mail: Mail,
  { sendSignal }: AttemptOptions,
): Promise<MailOutcome> {
  const message = rendered(ctx, mail);
  if (!message)
    return end(ctx, mail, "failed", "The mail could not be rendered. See the log of the workers.");
  const claimed = await claim(ctx, mail);
  if (!claimed) return { kind: "later", afterSeconds: 1, reply: "The mail is being sent.", isBrief: true };
  const outcome = await smtp.send(message, sendSignal);
  ctx.log.info(
    { mailId: mail.id, kind: mail.kind, attempt: claimed.attempts, outcome: outcome.kind },
    "mail sent",
  );
  return recordSurely(ctx, claimed, outcome);
}

function rendered(ctx: Context, mail: Mail): Message | null {
  try {
    return renderMail(ctx.config, mail);
  } catch (error) {
    ctx.log.error({ err: error, mailId: mail.id }, "a mail could not be rendered");
    return null;
  }
}

/** Commits the attempt before the server can know of it. @returns null if another sender was faster */
async function claim({ db }: Context, { id }: Mail): Promise<Mail | null> {
  const [claimed] = await db
    .update(mails)
    .set({
      state: "sending",
      attempts: sql`${mails.attempts} + 1`,
      dueAt: sql`statement_timestamp() + make_interval(secs => ${ATTEMPT_SECONDS})`,
    })
    .where(and(eq(mails.id, id), eq(mails.state, "queued")))
    .returning();
  return claimed ?? null;
}

/** A database that restarts must not make a known outcome uncertain. */
async function recordSurely(ctx: Context, mail: Mail, outcome: SmtpOutcome): Promise<MailOutcome> {
  for (let seconds = 1; ; seconds *= 2) {
    try {
      return await recordOutcome(ctx, mail, outcome);
    } catch (error) {
      if (!isTransient(error) || seconds > RECORD_SECONDS / 2) throw error;
      ctx.log.warn({ err: error, mailId: mail.id }, "could not record the outcome of a mail; trying again");
      await sleep(seconds * 1000);
    }
  }
}
