/** Stored files. Their bytes are in the database, so that processes need not share a disk. */
import { sql } from "drizzle-orm";
import { bigint, index, integer, primaryKey, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { bytea, moment, rowmill } from "./columns.ts";

/** upload: sent to /api/v1/files. picture: belongs to a book. result: created by a task. backup: see schema/backups.ts. */
export const fileOrigin = rowmill.enum("file_origin", ["upload", "picture", "result", "backup"]);
export type FileOrigin = (typeof fileOrigin.enumValues)[number];

/** Names and properties of files. The bytes are in `file_chunks`. */
export const files = rowmill.table(
  "files",
  {
    id: uuid("id").primaryKey(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    mediaType: text("media_type").notNull(),
    /** While the file is received: the bytes of the quota that it has reserved. */
    bytes: bigint("bytes", { mode: "number" }).notNull(),
    sha256: bytea("sha256").notNull(),
    origin: fileOrigin("origin").notNull().default("picture"),
    /** The name that the owner uses in `file_path`; null for pictures. */
    path: text("path"),
    /** The task that created the file. No foreign key, because the table of tasks already refers to this one. */
    taskId: uuid("task_id"),
    /** Updated while the file is received, so that the reconciler can find interrupted uploads; null: complete. */
    receivingAt: moment("receiving_at"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [
    index("files_owner").on(t.userId, t.id),
    // A library can have a picture per book, and lists of files do not show them.
    index("files_listed").on(t.userId, t.id).where(sql`origin <> 'picture'`),
    uniqueIndex("files_path").on(t.userId, t.path),
    index("files_task").on(t.taskId).where(sql`task_id IS NOT NULL`),
    index("files_receiving").on(t.receivingAt).where(sql`receiving_at IS NOT NULL`),
  ],
);

/**
 * The bytes of files, 1 MiB per row. The last row of a file has the rest. No foreign key: `files` is on one node of a
 * distributed database, so `removeFiles` also deletes the bytes.
 */
export const fileChunks = rowmill.table(
  "file_chunks",
  {
    fileId: uuid("file_id").notNull(),
    position: integer("position").notNull(),
    bytes: bytea("bytes").notNull(),
  },
  (t) => [primaryKey({ columns: [t.fileId, t.position] })],
);
