/** Backups: when they were made, where they are, and what is in them. A backup does not contain this table. */
import { sql } from "drizzle-orm";
import { bigint, check, json, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { users } from "./accounts.ts";
import { bytea, moment, rowmill } from "./columns.ts";
import { files } from "./files.ts";

export const backupState = rowmill.enum("backup_state", ["queued", "running", "completed", "failed"]);

export const backups = rowmill.table(
  "backups",
  {
    id: uuid("id").primaryKey(),
    /** The user who started it; null: the schedule, or the command line. */
    userId: bigint("user_id", { mode: "number" }).references(() => users.id, { onDelete: "set null" }),
    state: backupState("state").notNull().default("queued"),
    /** The host that writes or has written it. */
    host: text("host"),
    /** The path on that host; null for a stored file. */
    path: text("path"),
    fileId: uuid("file_id").references(() => files.id, { onDelete: "set null" }),
    /** The compressed size. */
    bytes: bigint("bytes", { mode: "number" }),
    /** SHA-256 of the compressed bytes. */
    sha256: bytea("sha256"),
    /** The number of rows of each table. */
    rows: json("rows").$type<Record<string, number>>(),
    /** Why it failed, for people. */
    error: text("error"),
    createdAt: moment("created_at").notNull().defaultNow(),
    startedAt: moment("started_at"),
    finishedAt: moment("finished_at"),
  },
  (t) => [
    // Only one backup is queued or running.
    uniqueIndex("backups_active").on(sql`(${t.finishedAt} IS NULL)`).where(sql`${t.finishedAt} IS NULL`),
    check("backups_finished_when_ended", sql`(finished_at IS NOT NULL) = (state IN ('completed', 'failed'))`),
    check("backups_error_when_failed", sql`(error IS NOT NULL) = (state = 'failed')`),
  ],
);
