/** Stored files: their bytes are in the database, so that no process needs another's disk. */
import { bigint, index, integer, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { bytea, moment } from "./columns.ts";

/** A stored file: a picture, an upload to work on. Its bytes are in `file_chunks`. */
export const files = pgTable(
  "files",
  {
    id: uuid("id").primaryKey(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    mediaType: text("media_type").notNull(),
    bytes: bigint("bytes", { mode: "number" }).notNull(),
    sha256: bytea("sha256").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [index("files_owner").on(t.userId, t.id)],
);

/** A mebibyte of a file; the last one has the rest. */
export const fileChunks = pgTable(
  "file_chunks",
  {
    fileId: uuid("file_id")
      .notNull()
      .references(() => files.id, { onDelete: "cascade" }),
    position: integer("position").notNull(),
    bytes: bytea("bytes").notNull(),
  },
  (t) => [primaryKey({ columns: [t.fileId, t.position] })],
);
