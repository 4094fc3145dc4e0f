/** The audit log: who changed what, and whose it was. */
import { bigint, index, json, text } from "drizzle-orm/pg-core";
import { identity, moment, rowmill } from "./columns.ts";

/** Entries are never changed, and outlive the users and the things that they name. So it has no foreign keys. */
export const auditLog = rowmill.table(
  "audit_log",
  {
    id: identity("id").primaryKey(),
    at: moment("at").notNull().defaultNow(),
    /** The user who acted; null: a command, Rowmill itself, or somebody without a login. */
    actorId: bigint("actor_id", { mode: "number" }),
    actorName: text("actor_name"),
    actorRole: text("actor_role"),
    /** A noun and a past participle, such as `queue.paused`. */
    action: text("action").notNull(),
    /** The kind and the id of the thing that changed, such as `queue` and `default`. */
    subjectType: text("subject_type").notNull(),
    subjectId: text("subject_id").notNull(),
    /** The user whom the thing belongs to; null: nobody. */
    ownerId: bigint("owner_id", { mode: "number" }),
    requestId: text("request_id"),
    address: text("address"),
    details: json("details").$type<Record<string, unknown>>().notNull(),
  },
  (t) => [
    index("audit_log_at").on(t.at),
    index("audit_log_actor").on(t.actorId, t.id),
    index("audit_log_subject").on(t.subjectType, t.subjectId, t.id),
    index("audit_log_owner").on(t.ownerId, t.id),
    index("audit_log_action").on(t.action, t.id),
  ],
);
