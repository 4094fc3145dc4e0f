/** Mails about an account. */
import { button, facts, paragraph } from "../layout/blocks.ts";
import { oneLine } from "../layout/plain.ts";
import type { MailTemplate } from "./kind.ts";

const MAX_NAME = 60;

export const welcome: MailTemplate<"welcome"> = {
  description: "Welcomes a new user.",
  subscription: () => "bulk_message",
  title: ({ username }) => `Welcome to Rowmill, ${oneLine(username, MAX_NAME)}`,
  blocks: ({ username, email, registered_at }, { home }) => [
    paragraph("Your account is ready. You can log in and upload your first CSV file."),
    facts([
      ["Username", username],
      ["Email", email],
      ["Registered", dateOf(registered_at)],
    ]),
    button("Open Rowmill", `${home}/docs`),
  ],
  reason: "You get this mail because an account was created with your address at",
};

export const passwordReset: MailTemplate<"password_reset"> = {
  description: "Has a link to choose a new password.",
  maxAgeHours: 1,
  subscription: () => null,
  title: () => "Reset your Rowmill password",
  blocks: ({ username, reset_id }, { reset }) => [
    paragraph(
      `Someone asked for a new password for the account ${oneLine(username, MAX_NAME)}. The link works once, within one hour.`,
    ),
    button("Choose a new password", reset(reset_id)),
    paragraph(
      "If you did not ask for this, ignore this mail: your password stays the same. A new request makes this link invalid.",
    ),
  ],
  reason: "You get this mail because a password reset was requested for your account at",
};

function dateOf(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
