/** Mails of the outbox in answers. */
import Type, { type Static } from "typebox";
import type { Config } from "../../config/config.ts";
import { Moment, NullableMoment, nullable, Uuid } from "../../platform/http/schemas.ts";
import { mailState } from "../../schema/mails.ts";
import { mailKinds } from "../kinds/all.ts";
import { messageIdOf, renderMail } from "../render/render-mail.ts";
import type { ListedMail, Mail, Suppression } from "./queries.ts";

const ID = "01a20159-f320-7af5-a6be-a1fe1f5c2d3b";

export const MailState = Type.Enum([...mailState.enumValues], {
  description:
    "queued: waits to be sent. sending: the mail server gets it now. sent: the server has accepted it. failed: refused, or " +
    "given up. uncertain: the connection ended before the server answered. suppressed: the address refuses mail, or its " +
    "owner has unsubscribed. cancelled: its batch or task ended, or was paused, before it was sent.",
});

export const MailKindName = Type.Enum(mailKinds, { description: "The kind of mail." });

export const ListedMailView = Type.Object(
  {
    id: Type.String({ ...Uuid, description: "The id of the mail.", examples: [ID] }),
    kind: Type.String({ description: "The kind of mail.", examples: ["welcome"] }),
    state: MailState,
    user_id: nullable(Type.Integer(), "The user who gets the mail. null: the recipient has no account."),
    address: Type.String({ description: "The address.", examples: ["ada@example.com"] }),
    name: Type.String({ description: "The name of the recipient, or empty.", examples: ["Ada"] }),
    attempts: Type.Integer({
      description: "How often the mail was handed to the mail server.",
      examples: [1],
    }),
    reply: nullable(
      Type.String({ examples: ["250 Message accepted"] }),
      "The last answer of the mail server, or why the mail was not sent. null: not tried yet.",
    ),
    created_at: Moment("When the mail was created."),
    due_at: Moment("When the next attempt is due, if the mail is queued."),
    sent_at: NullableMoment("When the mail server accepted the mail. null: not yet."),
  },
  { description: "A mail, without its content." },
);

export const MailView = Type.Object(
  {
    ...ListedMailView.properties,
    message_id: Type.String({
      description: "The header Message-ID, the same for every attempt.",
      examples: [`<mail.${ID}@example.com>`],
    }),
    subject: Type.String({ description: "The subject.", examples: ["Welcome to Rowmill"] }),
    text: Type.String({
      description: "The content as text.",
      examples: ["Hello Ada,\n\nYour account is ready."],
    }),
    html: Type.String({
      description: "The content as HTML. Links that reset a password are hidden.",
      examples: ["<!doctype html><p>Hello Ada,</p>"],
    }),
  },
  { description: "A mail, as this version of Rowmill renders it." },
);

export const SuppressionView = Type.Object({
  address: Type.String({ description: "The address, in lower case.", examples: ["ada@example.com"] }),
  scope: Type.Enum(["all", "bulk_message"], {
    description:
      "all: gets no mail. bulk_message: gets no messages to many people, because its owner has unsubscribed.",
  }),
  reply: nullable(
    Type.String({ examples: ["550 5.1.1 No such mailbox"] }),
    "The answer of the mail server. null: the owner has unsubscribed.",
  ),
  created_at: Moment("When the address was suppressed."),
});

export function viewListedMail(mail: ListedMail): Static<typeof ListedMailView> {
  const { id, kind, state, address, name, attempts, reply } = mail;
  return {
    id,
    kind,
    state,
    user_id: mail.userId,
    address,
    name,
    attempts,
    reply,
    created_at: mail.createdAt.toISOString(),
    due_at: mail.dueAt.toISOString(),
    sent_at: mail.sentAt?.toISOString() ?? null,
  };
}

/** @param isRedacted hides the links of password resets */
export function viewMail(config: Config, mail: Mail, isRedacted: boolean): Static<typeof MailView> {
  const { subject, text, html } = renderMail(config, mail, { isRedacted });
  return { ...viewListedMail(mail), message_id: messageIdOf(config, mail.id), subject, text, html };
}

export function viewSuppression({ createdAt, ...rest }: Suppression): Static<typeof SuppressionView> {
  return { ...rest, created_at: createdAt.toISOString() };
}
