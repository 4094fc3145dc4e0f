import Type, { type Static } from "typebox";
import { Permanent } from "../../errors.ts";
import { NUL_FREE } from "../../platform/http/schemas.ts";
import type { RowTarget, TargetBatch, TargetRow } from "../target.ts";
import { findRecipient } from "./find-recipient.ts";
import { cancelMessages, type Message, mailMessage, showMessage } from "./send-message.ts";

export const MAX_SUBJECT = 150;
/** A user keeps thousands of messages. */
export const MAX_MESSAGE = 10_000;

const columns = Type.Object({
  username: Type.String({
    maxLength: 150,
    default: "",
    description: "the account of the recipient; without it, the address is the recipient",
    examples: [""],
  }),
  email: Type.String({
    maxLength: 254,
    pattern: "^$|^[^@\\s]+@[^@\\s]+$",
    default: "",
    description: "an email address; ignored if the row has a username",
    examples: ["ada@example.com"],
  }),
  subject: Type.String({
    maxLength: MAX_SUBJECT,
    default: "",
    description: "instead of the subject of the upload",
    examples: ["Maintenance tonight"],
  }),
  message: Type.String({
    maxLength: MAX_MESSAGE,
    default: "",
    description: "instead of the message of the upload",
    examples: ["Rowmill is offline from 22:00 to 22:15 UTC."],
  }),
});

const params = Type.Object(
  {
    subject: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_SUBJECT,
        pattern: NUL_FREE,
        description: "The subject for rows without one.",
      }),
    ),
    message: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_MESSAGE,
        pattern: NUL_FREE,
        description: "The message for rows without one.",
      }),
    ),
  },
  { additionalProperties: false },
);

export const messagesTarget: RowTarget<typeof columns> = {
  name: "messages",
  description: "Messages to users, in the app and by e-mail, or to addresses. Each row is a recipient.",
  columns,
  params,
  aliases: { username: ["user", "login"], email: ["mail", "e-mail address"], message: ["text", "body"] },
  isStrict: true,
  role: "admin",
  // A worker has two connections to the mail server.
  concurrency: 2,

  async handle(ctx, batch, row, attempt) {
    const message = messageOf(batch, row);
    const recipient = await findRecipient(ctx, batch.userId, row.values);
    await showMessage(ctx, batch, recipient, message);
    await mailMessage(ctx, batch, recipient, message, attempt);
    return row.row;
  },

  end: cancelMessages,
};

/** @throws Permanent `required` */
function messageOf(batch: TargetBatch, { values }: TargetRow<Static<typeof columns>>): Message {
  const upload = (batch.params ?? {}) as Static<typeof params>;
  const pick = (name: "subject" | "message"): string => {
    const text = values[name] || upload[name];
    if (text) return text;
    throw new Permanent("required", `Neither the row nor the upload has a ${name}.`, { column: name });
  };
  return { subject: pick("subject"), message: pick("message") };
}
