/** Webhook endpoints of users. */
import { sql } from "drizzle-orm";
import { bigint, index, text, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { moment, rowmill } from "./columns.ts";

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
    createdAt: moment("created_at").notNull().defaultNow(),
    /** null: it is enabled. */
    disabledAt: moment("disabled_at"),
  },
  (t) => [
    index("webhooks_of_user").on(t.userId, t.id),
    index("webhooks_enabled").on(t.userId).where(sql`${t.disabledAt} IS NULL`),
  ],
);
