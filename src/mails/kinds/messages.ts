/** Mails that people or Rowmill itself write to others. */
import { paragraph } from "../layout/blocks.ts";
import { oneLine } from "../layout/plain.ts";
import type { MailTemplate } from "./kind.ts";

const MAX_SUBJECT = 150;

export const adminAlert: MailTemplate<"admin_alert"> = {
  description: "Tells administrators about a problem.",
  subscription: () => null,
  title: ({ subject }) => oneLine(subject, MAX_SUBJECT),
  blocks: ({ message }) => (message ? [paragraph(message)] : []),
  reason: "You get this mail because you are an administrator of",
};

export const bulkMessage: MailTemplate<"bulk_message"> = {
  description: "A message to many people.",
  subscription: () => "bulk_message",
  title: ({ subject }) => oneLine(subject, MAX_SUBJECT),
  blocks: ({ message, sender }) => [paragraph(message), paragraph(`Sent by ${oneLine(sender, 60)}.`)],
  reason: "You get this message because your address is known at",
};
