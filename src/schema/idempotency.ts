import { bigint, index, json, primaryKey, smallint, text } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { bytea, moment, rowmill } from "./columns.ts";

/** Answers to requests with an Idempotency-Key. A repeated request gets the stored answer. */
export const idempotencyKeys = rowmill.table(
  "idempotency_keys",
  {
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    key: text("key").notNull(),
    /** Identifies the request; null until all of it has been received. */
    fingerprint: bytea("fingerprint"),
    /** The status and body of the answer; null while the request is being processed. */
    status: smallint("status"),
    body: json("body").$type<object>(),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** Updated while the request is being processed. */
    seenAt: moment("seen_at").notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.key] }), index("idempotency_keys_age").on(t.createdAt)],
);
