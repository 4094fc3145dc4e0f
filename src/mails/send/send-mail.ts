import type { Context } from "../../context.ts";
import type { Delivery } from "../../platform/queue/delivery.ts";
import { Later } from "../../platform/queue/later.ts";
import { attemptMail } from "./attempt-mail.ts";

/** The job that sends one mail of the outbox. */
export async function sendMail(
  ctx: Context,
  mailId: string,
  { signal }: Pick<Delivery, "signal">,
): Promise<object | Later> {
  const outcome = await attemptMail(ctx, mailId, { signal, sendSignal: signal });
  if (outcome.kind !== "later") return { outcome: outcome.kind };
  return new Later(outcome.afterSeconds, { mailId });
}
