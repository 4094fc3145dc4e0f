/** Mails about an account. */
import { button, facts, paragraph } from "../layout/blocks.ts";
import { oneLine } from "../layout/plain.ts";
import type { MailTemplate } from "./kind.ts";

const MAX_NAME = 60;
const MAX_ADDRESS = 254;

export const welcome: MailTemplate<"welcome"> = {
  description: "Welcomes a new user.",
  subscription: () => "bulk_message",
  title: () => "Welcome to Rowmill",
  blocks: ({ username, email, registered_at }, { home, confirm }) => [
    paragraph("Your account is ready. You can log in and upload your first CSV file."),
    facts([
      ["Username", oneLine(username, MAX_NAME)],
      ["Email", email],
      ["Registered", dateOf(registered_at)],
    ]),
    ...(confirm
      ? [
          paragraph("Confirm your address to get mail about your uploads and tasks."),
          button("Confirm your address", confirm),
        ]
      : []),
    button("Open Rowmill", `${home}/docs`),
  ],
  reason: "You get this mail because an account was created with your address at",
};

export const confirmAddress: MailTemplate<"confirm_email"> = {
  description: "Has a link to confirm an address.",
  subscription: () => null,
  title: () => "Confirm your email address",
  blocks: ({ username, email }, { confirm }) => [
    paragraph(
      `The account ${oneLine(username, MAX_NAME)} uses the address ${oneLine(email, MAX_ADDRESS)}. Confirm it to get mail about uploads and tasks.`,
    ),
    ...(confirm ? [button("Confirm your address", confirm)] : []),
    paragraph("If you do not know this account, ignore this mail. You get no mail about its work."),
  ],
  reason: "You get this mail because an account uses your address at",
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
