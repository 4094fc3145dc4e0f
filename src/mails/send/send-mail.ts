import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../../context.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { attemptMail } from "./attempt-mail.ts";

const MAX_PAUSE_SECONDS = 5;

/** The job that sends one mail of the outbox. */
export async function sendMail(
  ctx: Context,
  mailId: string,
  { signal }: Pick<Delivery, "signal">,
): Promise<object | Later> {
  const outcome = await attemptMail(ctx, mailId, { signal, sendSignal: signal });
  if (outcome.kind !== "later") return { outcome: outcome.kind };
  const { afterSeconds, isForAll = false } = outcome;
  // The job keeps its place for a while, so that jobs do not visit every mail of a long outbox.
  if (isForAll) await sleep(Math.min(afterSeconds, MAX_PAUSE_SECONDS) * 1000, undefined, { signal });
  return new Later(afterSeconds, { mailId });
}
