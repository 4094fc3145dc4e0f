/** Webhook endpoints of users, their deliveries, and the attempts of each delivery. */
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  index,
  integer,
  json,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { moment, rowmill } from "./columns.ts";

/** user: by its owner. gone: the endpoint answered 410. failing: no delivery succeeded for days. */
export const webhookDisabledReason = rowmill.enum("webhook_disabled_reason", ["user", "gone", "failing"]);

/** Transactions that change deliveries lock the row of their webhook first, so that they cannot deadlock. */
export const webhooks = rowmill.table(
  "webhooks",
  {
    id: uuid("id").primaryKey(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    url: text("url").notNull(),
    /** The kinds of announcements that are sent to it. */
    events: text("events").array().notNull(),
    description: text("description").notNull().default(""),
    /** Headers of the user, which every request has. Their values may be secret. */
    headers: json("headers").$type<Record<string, string>>().notNull(),
    /** Signs requests; readable, because it is the key of an HMAC. */
    secret: text("secret").notNull(),
    /** Also signs requests until `previous_secret_until`. */
    previousSecret: text("previous_secret"),
    previousSecretUntil: moment("previous_secret_until"),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
    /** null: it is enabled. */
    disabledAt: moment("disabled_at"),
    disabledReason: webhookDisabledReason("disabled_reason"),
    /** Upkeep removes the deliveries of a deleted webhook, and then its row. Nobody sees it any more. */
    deletedAt: moment("deleted_at"),
    lastSuccessAt: moment("last_success_at"),
    /** Failed attempts since the last success, and when the first of them failed. */
    failures: integer("failures").notNull().default(0),
    failingSince: moment("failing_since"),
    /** The endpoint asked for fewer requests: one at a time until a delivery succeeds. */
    isThrottled: boolean("is_throttled").notNull().default(false),
    /** The endpoint asked for no requests until then. */
    heldUntil: moment("held_until"),
  },
  (t) => [
    index("webhooks_of_user").on(t.userId, t.id),
    index("webhooks_enabled").on(t.userId).where(sql`${t.disabledAt} IS NULL`),
    index("webhooks_deleted").on(t.id).where(sql`${t.deletedAt} IS NOT NULL`),
  ],
);

export const webhookDeliveryState = rowmill.enum("webhook_delivery_state", [
  "pending",
  "delivered",
  "failed",
]);
export type DeliveryState = (typeof webhookDeliveryState.enumValues)[number];

/** One message to one webhook. Its id, a UUIDv7, orders the deliveries of a webhook. */
export const webhookDeliveries = rowmill.table(
  "webhook_deliveries",
  {
    id: uuid("id").primaryKey(),
    webhookId: uuid("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    /** The same for all webhooks that get the message. */
    messageId: uuid("message_id").notNull(),
    kind: text("kind").notNull(),
    /** The exact text that is signed and sent. */
    body: text("body").notNull(),
    state: webhookDeliveryState("state").notNull().default("pending"),
    /** Attempts that have started. */
    attempts: integer("attempts").notNull().default(0),
    /** Attempts that have started since the delivery was created or replayed. */
    tries: smallint("tries").notNull().default(0),
    /** The number of jobs that the delivery has had. Only the last one counts. */
    run: integer("run").notNull().default(1),
    /** When the next attempt may start. */
    dueAt: moment("due_at").notNull().defaultNow(),
    /** The delivery is due and has no job: it gets one when an attempt of the same webhook ends. */
    isWaiting: boolean("is_waiting").notNull().default(false),
    /** An attempt is running. It ends before this time, or its worker is lost. */
    claimedUntil: moment("claimed_until"),
    /** Why the delivery failed. */
    error: text("error"),
    createdAt: moment("created_at").notNull().defaultNow(),
    endedAt: moment("ended_at"),
  },
  (t) => [
    uniqueIndex("webhook_deliveries_message").on(t.webhookId, t.messageId),
    index("webhook_deliveries_list").on(t.webhookId, t.id),
    index("webhook_deliveries_failed").on(t.webhookId, t.createdAt).where(sql`${t.state} = 'failed'`),
    index("webhook_deliveries_open").on(t.webhookId, t.dueAt).where(sql`${t.state} = 'pending'`),
    index("webhook_deliveries_due").on(t.id).where(sql`${t.state} = 'pending' AND NOT ${t.isWaiting}`),
    index("webhook_deliveries_waiting").on(t.webhookId, t.dueAt).where(sql`${t.isWaiting}`),
    index("webhook_deliveries_claimed").on(t.webhookId).where(sql`${t.claimedUntil} IS NOT NULL`),
  ],
);

export const webhookAttempts = rowmill.table(
  "webhook_attempts",
  {
    deliveryId: uuid("delivery_id")
      .notNull()
      .references(() => webhookDeliveries.id, { onDelete: "cascade" }),
    number: integer("number").notNull(),
    startedAt: moment("started_at").notNull(),
    /** null while the attempt runs, and if its worker was lost. */
    ms: integer("ms"),
    /** null: no answer came. */
    status: integer("status"),
    error: text("error"),
    /** The beginning of the answer. Only the first and the last answer of a delivery are kept. */
    answer: text("answer"),
  },
  (t) => [primaryKey({ columns: [t.deliveryId, t.number] })],
);
