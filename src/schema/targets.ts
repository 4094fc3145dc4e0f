/** Tables for target records, one per target. */
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
import { bytea, identity, moment, rowmill } from "./columns.ts";

/** The mapping that a user has sent last for a target and a set of column names. */
export const rememberedMappings = rowmill.table(
  "remembered_mappings",
  {
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    target: text("target").notNull(),
    /** A hash of the names, in any order. */
    headerHash: bytea("header_hash").notNull(),
    /** Columns of the file to columns of the target, or to null; as the upload sent it. */
    mapping: json("mapping").$type<Record<string, string | null>>().notNull(),
    /** Other options of the upload: `mode`, `policy` and `max_errors`. */
    options: json("options").$type<Record<string, string>>().notNull(),
    usedAt: moment("used_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.target, t.headerHash] }),
    index("remembered_mappings_used").on(t.userId, t.usedAt),
  ],
);

/** The targets that administrators have defined. */
export const targetDefinitions = rowmill.table("target_definitions", {
  name: text("name").primaryKey(),
  /** The current version. A target that is created again after its deletion goes on with the next one. */
  version: integer("version").notNull(),
  createdAt: moment("created_at").notNull().defaultNow(),
  updatedAt: moment("updated_at").notNull().defaultNow(),
  /** null: the target exists. Its batches need its versions also after it was deleted. */
  deletedAt: moment("deleted_at"),
  /** The moment until which the rows that were sent use up `rows_per_second` of an endpoint. */
  pacedUntil: moment("paced_until"),
});

/** The requests that an endpoint may have at a time. A worker locks one for each request, so a crash frees it. */
export const endpointSlots = rowmill.table(
  "endpoint_slots",
  {
    target: text("target").notNull(),
    /** From 1. */
    slot: smallint("slot").notNull(),
  },
  (t) => [primaryKey({ columns: [t.target, t.slot] })],
);

/** The batches that found no place for a request. The one that has waited longest gets the next place. */
export const endpointWaits = rowmill.table(
  "endpoint_waits",
  {
    target: text("target").notNull(),
    batchId: uuid("batch_id").notNull(),
    since: moment("since").notNull(),
    /** When the batch has asked last. A batch that does not ask any more must not stop others. */
    seenAt: moment("seen_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.target, t.batchId] })],
);

/** A version never changes, so that a batch keeps the rules that it began with. */
export const targetVersions = rowmill.table(
  "target_versions",
  {
    name: text("name")
      .notNull()
      .references(() => targetDefinitions.name, { onDelete: "cascade" }),
    version: integer("version").notNull(),
    /** As `Definition` describes it (targets/definition/definition.ts). */
    definition: json("definition").$type<unknown>().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** The administrator who saved it; null: a command, or a user who does not exist any more. */
    createdBy: bigint("created_by", { mode: "number" }).references(() => users.id, { onDelete: "set null" }),
  },
  (t) => [primaryKey({ columns: [t.name, t.version] })],
);

/** A hash of title and author in lower case. Both in full would not fit into an entry of a B-tree. */
export const BOOK_KEY = "md5(lower(title) || chr(31) || lower(author))::uuid";

/**
 * The key of books and records begins with the owner, which names the node of a distributed database, and serves lists. The
 * migration has turned statistics about owners off: without them, the planner expects a 200th of the table from an owner.
 * With old ones it would expect one row, and a look-up by another key would read all rows of the owner.
 */
const ownerId = () => bigint("user_id", { mode: "number" }).notNull();

export const books = rowmill.table(
  "books",
  {
    id: identity("id").notNull(),
    /** No foreign key, for the same reason as in `batch_rows`. */
    userId: ownerId(),
    title: text("title").notNull(),
    author: text("author").notNull(),
    description: text("description").notNull().default(""),
    /** The path below /media/; null: the book has no picture. */
    picture: text("picture"),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** The row that wrote the book last, for undo; null: a user created or changed it by hand. */
    batchId: uuid("batch_id"),
    rowNumber: integer("row_number"),
    /** Whether the owner had a book with the same key already. A copy has no key. */
    isCopy: boolean("is_copy").notNull().default(false),
    /** Unique per owner; null for a copy. */
    key: uuid("key").generatedAlwaysAs(sql.raw(`CASE WHEN NOT is_copy THEN ${BOOK_KEY} END`)),
  },
  (t) => [primaryKey({ columns: [t.userId, t.id] }), uniqueIndex("books_key").on(t.userId, t.key)],
);

/** The records of the target `records`: rows of any file, stored unchanged. */
export const records = rowmill.table(
  "records",
  {
    id: identity("id").notNull(),
    /** No foreign key, for the same reason as in `batch_rows`. */
    userId: ownerId(),
    batchId: uuid("batch_id").notNull(),
    rowNumber: integer("row_number").notNull(),
    /** An object whose names are in the order of the header. `jsonb` would not keep the order. */
    data: json("data").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.id] }),
    uniqueIndex("records_source").on(t.userId, t.batchId, t.rowNumber),
  ],
);

/** Facts about a target. Batches of a defined target have a copy, because its version never changes. */
export interface TargetTraits {
  /** The role that may upload and change batches. Absent: every user. */
  readonly role?: "admin";
  /** Whether API tokens are refused. */
  readonly needsLogin?: boolean;
  /** Whether batches can be undone. */
  readonly canUndo: boolean;
  /** Whether rows are sent to a service, so that they can wait. */
  readonly isRemote: boolean;
  /** The number of chunks that are sent to the service at the same time. Absent: as many as workers take. */
  readonly lanes?: number;
  /** Whether the service takes dry runs, which are then processed like other batches, chunk by chunk. */
  readonly sendsDryRuns?: boolean;
}
