/** Stored files: their bytes are in the database, so that no process needs another's disk. */
import { sql } from "drizzle-orm";
import { bigint, index, integer, primaryKey, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { bytea, moment, rowmill } from "./columns.ts";

/** upload: sent to /api/v1/files. picture: of a book. result: made by a task. */
export const fileOrigin = rowmill.enum("file_origin", ["upload", "picture", "result"]);
export type FileOrigin = (typeof fileOrigin.enumValues)[number];

/** A stored file: a picture, an upload to work on, what a task made. Its bytes are in `file_chunks`. */
export const files = rowmill.table(
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
    origin: fileOrigin("origin").notNull().default("picture"),
    /** By which its owner calls it in `file_path`; pictures have none. */
    path: text("path"),
    /** The task that made it. No foreign key: files come before tasks, which refer to them. */
    taskId: uuid("task_id"),
    /** Touched while it is being received, so that a reaper can tell a dead upload; null: all of it is there. */
    receivingAt: moment("receiving_at"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [
    index("files_owner").on(t.userId, t.id),
    uniqueIndex("files_path").on(t.userId, t.path),
    index("files_task").on(t.taskId).where(sql`task_id IS NOT NULL`),
    index("files_receiving").on(t.receivingAt).where(sql`receiving_at IS NOT NULL`),
  ],
);

/** A mebibyte of a file; the last one has the rest. */
export const fileChunks = rowmill.table(
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
