/** E-mails: the outbox, and the addresses that refuse mail. */
import { sql } from "drizzle-orm";
import { bigint, index, integer, json, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { moment, rowmill } from "./columns.ts";

/**
 * `uncertain`: the connection ended after the content was sent, and before the server answered.
 * `suppressed`: the address had refused mail before, or its owner has unsubscribed.
 */
export const mailState = rowmill.enum("mail_state", [
  "queued",
  "sending",
  "sent",
  "failed",
  "uncertain",
  "suppressed",
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
    attempts: integer("attempts").notNull().default(0),
    dueAt: moment("due_at").notNull().defaultNow(),
    /** The last answer of the mail server, or why it did not answer. */
    reply: text("reply"),
    createdAt: moment("created_at").notNull().defaultNow(),
    sentAt: moment("sent_at"),
  },
  (t) => [
    uniqueIndex("mails_key").on(t.key).where(sql`${t.key} IS NOT NULL`),
    index("mails_due").on(t.dueAt).where(sql`${t.state} IN ('queued', 'sending')`),
    index("mails_created").on(t.createdAt),
  ],
);
