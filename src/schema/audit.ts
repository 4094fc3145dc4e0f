/** The audit log: who changed what, and whose it was. */
import { sql } from "drizzle-orm";
import { bigint, index, integer, json, text } from "drizzle-orm/pg-core";
import { identity, moment, rowmill } from "./columns.ts";

export const AUDIT_LOG = "audit_log";

/** The user who acted; null: a command, Rowmill itself, or somebody without a login. */
const actor = () => ({
  actorId: bigint("actor_id", { mode: "number" }),
  actorName: text("actor_name"),
  actorRole: text("actor_role"),
});

/**
 * Entries are never changed, and outlive the users and the things that they name. So it has no foreign keys. A trigger
 * refuses UPDATE, DELETE and TRUNCATE (platform/postgres/append-only.ts).
 */
export const auditLog = rowmill.table(
  AUDIT_LOG,
  {
    id: identity("id").primaryKey(),
    at: moment("at").notNull().defaultNow(),
    ...actor(),
    /** A noun and a past participle, such as `queue.paused`. */
    action: text("action").notNull(),
    /** The kind and the id of the thing that changed, such as `queue` and `default`. */
    subjectType: text("subject_type").notNull(),
    subjectId: text("subject_id").notNull(),
    /** The user whom the thing belongs to; null: nobody. */
    ownerId: bigint("owner_id", { mode: "number" }),
    requestId: text("request_id"),
    /** The address of the client. For a command: the user and the host that ran it. */
    address: text("address"),
    details: json("details").$type<Record<string, unknown>>().notNull(),
  },
  (t) => [
    index("audit_log_at").on(t.at),
    index("audit_log_actor").on(t.actorId, t.id),
    index("audit_log_subject").on(t.subjectType, t.subjectId, t.id),
    index("audit_log_owner").on(t.ownerId, t.id),
    index("audit_log_action").on(t.action, t.id),
    index("audit_log_subject_id").on(t.subjectId, t.id),
    index("audit_log_actor_name").on(t.actorName, t.id),
    index("audit_log_address").on(t.address, t.id).where(sql`address IS NOT NULL`),
    index("audit_log_request").on(t.requestId, t.id).where(sql`request_id IS NOT NULL`),
  ],
);

/**
 * Counts what is repeated often within an hour (audit/record-repeated.ts). A key has as many rows as transactions have
 * counted at the same time. When the hour has ended, one entry has their sum.
 */
export const auditRepeats = rowmill.table(
  "audit_repeats",
  {
    id: identity("id").primaryKey(),
    key: text("key").notNull(),
    /** How many have entries of their own. */
    recorded: integer("recorded").notNull(),
    /** How many are only counted. */
    counted: integer("counted").notNull(),
    startedAt: moment("started_at").notNull(),
    ...actor(),
    action: text("action").notNull(),
    subjectType: text("subject_type").notNull(),
    /** Set if all of them have the same subject. */
    subjectId: text("subject_id"),
    ownerId: bigint("owner_id", { mode: "number" }),
  },
  (t) => [index("audit_repeats_key").on(t.key, t.id), index("audit_repeats_started").on(t.startedAt)],
);
