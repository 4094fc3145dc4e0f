import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../context.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { attemptMail } from "./attempt-mail.ts";
import type { MailOutcome } from "./record-outcome.ts";

const MAX_PAUSE_SECONDS = 5;

/** The job that sends one mail of the outbox. The mails of a set are sent one after the other. */
export async function sendMail(
  ctx: Context,
  mailId: string,
  { signal, turn }: Pick<Delivery, "signal" | "turn">,
): Promise<object | Later> {
  const attempt = async () => {
    signal.throwIfAborted();
    return attemptMail(ctx, mailId, { signal, sendSignal: signal });
  };
  const taken = turn ? await turn.take(attempt, isLong) : { result: await attempt() };
  if (!taken) return new Later(0, { mailId }, { isCounted: false, isUntouched: true });
  const outcome = taken.result;
  if (outcome.kind !== "later") return { outcome: outcome.kind };
  const { afterSeconds, isForAll = false } = outcome;
  // The job keeps its place for a while, so that jobs do not visit every mail of a long outbox.
  if (isForAll) await sleep(Math.min(afterSeconds, MAX_PAUSE_SECONDS) * 1000, undefined, { signal });
  return new Later(afterSeconds, { mailId });
}

/** Mail that must wait is sent alone: what is in its way is often in the way of others. */
function isLong({ kind }: MailOutcome): boolean {
  return kind === "later";
}
