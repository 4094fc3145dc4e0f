/** Notifications of users, and the channels that they choose. */
import { sql } from "drizzle-orm";
import { bigint, boolean, index, json, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { moment, rowmill } from "./columns.ts";

/**
 * Written in the transaction of the event that it reports. Its id, a UUIDv7, orders the notifications of a user.
 * No foreign key: it would lock the account, and transactions that end batches of two admins who import each other's
 * accounts would deadlock.
 */
export const notifications = rowmill.table(
  "notifications",
  {
    id: uuid("id").primaryKey(),
    userId: bigint("user_id", { mode: "number" }).notNull(),
    /** A key of announcements/kinds.ts. */
    kind: text("kind").notNull(),
    /** The batch, task or other thing that the notification is about. */
    subjectId: text("subject_id").notNull(),
    /** Increases with each notification about the same thing: consumers can order them. */
    sequence: bigint("sequence", { mode: "number" }).notNull(),
    data: json("data").$type<Record<string, unknown>>().notNull(),
    /** Whether lists show it. The others exist only for e-mails and webhooks. */
    isInApp: boolean("is_in_app").notNull(),
    /** Whether the user gets an e-mail about it. */
    isMailed: boolean("is_mailed").notNull(),
    /** Whether its e-mail and its webhook deliveries are still to be created. */
    isPending: boolean("is_pending").notNull(),
    /** The span that has written it, if traces are on: its webhook deliveries belong to the same trace. */
    traceparent: text("traceparent"),
    createdAt: moment("created_at").notNull().defaultNow(),
    readAt: moment("read_at"),
  },
  (t) => [
    index("notifications_of_user").on(t.userId, t.id).where(sql`${t.isInApp}`),
    index("notifications_unread").on(t.userId, t.id).where(sql`${t.isInApp} AND ${t.readAt} IS NULL`),
    index("notifications_of_hour")
      .on(t.userId, t.kind, t.createdAt)
      .where(sql`${t.isInApp} OR ${t.isMailed}`),
    index("notifications_pending").on(t.id).where(sql`${t.isPending}`),
    index("notifications_created").on(t.createdAt),
  ],
);

/** The channels that a user has chosen for a kind. null: the default of the kind. */
export const notificationPreferences = rowmill.table(
  "notification_preferences",
  {
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    kind: text("kind").notNull(),
    inApp: boolean("in_app"),
    email: boolean("email"),
    webhook: boolean("webhook"),
  },
  (t) => [primaryKey({ columns: [t.userId, t.kind] })],
);

/** When admins were last alerted about a problem, so that a lasting problem does not alert them again and again. */
export const adminAlerts = rowmill.table("admin_alerts", {
  key: text("key").primaryKey(),
  alertedAt: moment("alerted_at").notNull().defaultNow(),
});
