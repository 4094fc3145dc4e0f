/** E-mails: the outbox, the addresses that refuse mail, and what all senders agree on. */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  index,
  integer,
  json,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { moment, rowmill } from "./columns.ts";

/**
 * `uncertain`: the connection ended after the content was sent, and before the server answered.
 * `suppressed`: the address had refused mail before, or its owner has unsubscribed.
 * `cancelled`: its batch or task ended before it was sent.
 */
export const mailState = rowmill.enum("mail_state", [
  "queued",
  "sending",
  "sent",
  "failed",
  "uncertain",
  "suppressed",
  "cancelled",
]);

/** One recipient per mail. Its content is rendered from `kind` and `data` when it is sent or shown. */
export const mails = rowmill.table(
  "mails",
  {
    id: uuid("id").primaryKey(),
    /** Prevents a second mail for the same event; null: no other mail is like this one. */
    key: text("key"),
    kind: text("kind").notNull(),
    userId: bigint("user_id", { mode: "number" }).references(() => users.id, { onDelete: "cascade" }),
    address: text("address").notNull(),
    name: text("name").notNull(),
    data: json("data").$type<Record<string, unknown>>().notNull(),
    state: mailState("state").notNull().default("queued"),
    /** Counts the times that the mail was handed to the mail server. Only the last attempt records an outcome. */
    attempts: integer("attempts").notNull().default(0),
    /** queued: the next attempt. sending: when the attempt has ended at the latest. */
    dueAt: moment("due_at").notNull().defaultNow(),
    /** Whether a job sends it. The others are sent by their caller, which also repeats them. */
    hasJob: boolean("has_job").notNull().default(true),
    /** The last answer of the mail server, or why it did not answer. */
    reply: text("reply"),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** When the mail was added, or sent again by hand. Its age counts from then. */
    queuedAt: moment("queued_at").notNull().defaultNow(),
    sentAt: moment("sent_at"),
  },
  (t) => [
    uniqueIndex("mails_key").on(t.key).where(sql`${t.key} IS NOT NULL`),
    index("mails_due").on(t.dueAt).where(sql`${t.state} IN ('queued', 'sending')`),
    index("mails_created").on(t.createdAt),
    index("mails_state").on(t.state, t.id),
    index("mails_kind").on(t.kind, t.id),
    index("mails_address").on(sql`lower(${t.address})`, t.id),
    index("mails_of_user").on(t.userId).where(sql`${t.userId} IS NOT NULL`),
  ],
);

/** `all`: the address refuses mail. `bulk_message`: its owner wants no messages to many people. */
export const suppressionScope = rowmill.enum("suppression_scope", ["all", "bulk_message"]);

export const mailSuppressions = rowmill.table(
  "mail_suppressions",
  {
    /** In lower case. */
    address: text("address").notNull(),
    scope: suppressionScope("scope").notNull(),
    /** The answer of the mail server; null: the owner has unsubscribed. */
    reply: text("reply"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.address, t.scope] }), index("mail_suppressions_created").on(t.createdAt)],
);

/** Domains that get no mail for a while because their server, or ours, asked for it. */
export const mailHolds = rowmill.table("mail_holds", {
  /** The domain of the recipients; empty: our mail server, which all mail needs. */
  domain: text("domain").primaryKey(),
  failures: integer("failures").notNull(),
  heldUntil: moment("held_until").notNull(),
  reply: text("reply").notNull(),
});

/** When the next mail may be sent, so that all workers together keep to MAIL_PER_SECOND. */
export const mailPace = rowmill.table("mail_pace", {
  id: integer("id").primaryKey(),
  nextAt: moment("next_at").notNull(),
});
