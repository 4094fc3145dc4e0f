import { ContinueLater, Permanent } from "../../../errors.ts";
import type { sendMailNow } from "../../../mails/send/send-mail-now.ts";

type MailOutcome = Awaited<ReturnType<typeof sendMailNow>>;

/**
 * Returns the sentence of a task that has sent one mail.
 * @param what the mail, as in "Welcome email"
 * @throws Permanent if the mail server refuses the mail; ContinueLater while the mail waits, which has its own retries
 */
export function sentenceOf(what: string, address: string, outcome: MailOutcome): string {
  switch (outcome.kind) {
    case "sent":
      return `${what} sent to ${address}`;
    case "kept":
      return `${what} to ${address} is in the outbox, because no mail server is configured`;
    case "refused":
      throw new Permanent("mail_refused", `The mail was not delivered: ${outcome.reply}`);
    case "uncertain":
      throw new Permanent("mail_uncertain", `The mail server may have the mail: ${outcome.reply}`);
    case "later":
      throw new ContinueLater(outcome.afterSeconds, null, { isCounted: false });
  }
}
