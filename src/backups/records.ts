/** The rows of backups and their states. At most one is queued or running: the index `backups_active` holds that. */
import { hostname } from "node:os";
import { and, eq, isNull, ne, sql } from "drizzle-orm";
import { type Announcement, announce } from "../announcements/announce.ts";
import { announceToAdmins } from "../announcements/announce-to-admins.ts";
import { recordAudit } from "../audit/record-audit.ts";
import { type Context, inTransaction, type Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { postgresError } from "../platform/postgres/database.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import { backups } from "../schema/backups.ts";

export type Backup = typeof backups.$inferSelect;

export type Origin = Pick<Backup, "id" | "userId">;

/** @throws DomainError `conflict` while another backup is queued or running */
export async function insertBackup(
  ctx: Context,
  { id, userId }: Origin,
  state: "queued" | "running",
): Promise<Backup> {
  const started = state === "running" ? { host: hostname(), startedAt: sql`statement_timestamp()` } : {};
  try {
    const [backup] = await ctx.db
      .insert(backups)
      .values({ id, userId, state, ...started })
      .returning();
    if (!backup) throw new Error(`Backup ${id} was not inserted.`);
    return backup;
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.uniqueViolation) throw error;
    throw new DomainError("conflict", "Another backup is queued or running. Wait until it ends.", {
      cause: error,
    });
  }
}

/**
 * Starts a backup, or starts it again after its worker was lost. The caller holds the lock of backups, so another backup
 * that is running has no process any more.
 * @returns undefined if the backup has ended
 * @throws DomainError `conflict` while another backup is queued
 */
export function startBackup(ctx: Context, origin: Origin): Promise<Backup | undefined> {
  return inTransaction(ctx, async (tx) => {
    const isDead = and(eq(backups.state, "running"), ne(backups.id, origin.id));
    for (const dead of await tx.db.select().from(backups).where(isDead))
      await failBackup(tx, dead, INTERRUPTED);
    const [known] = await tx.db.select().from(backups).where(eq(backups.id, origin.id));
    if (!known) {
      const backup = await insertBackup(tx, origin, "running");
      await recordRequest(tx, origin);
      return backup;
    }
    const [started] = await tx.db
      .update(backups)
      .set({ state: "running", host: hostname(), startedAt: sql`statement_timestamp()` })
      .where(isOpen(origin))
      .returning();
    return started;
  });
}

/** Nobody has requested the backups of the schedule. */
export async function recordRequest(tx: Tx, { id, userId }: Origin): Promise<void> {
  if (userId === null && tx.commandLine === null) return;
  await recordAudit(tx, { action: "backup.requested", subject: { type: "backup", id }, ownerId: userId });
}

export const STOPPED = "The backup was stopped.";
export const INTERRUPTED = "The process that wrote the backup ended before the backup was complete.";

export type Written = Required<Pick<Backup, "path" | "fileId" | "bytes" | "sha256" | "rows">>;

/** @throws DomainError `conflict` if another process has ended the backup */
export function completeBackup(ctx: Context, { id, userId }: Backup, written: Written): Promise<Backup> {
  return inTransaction(ctx, async (tx) => {
    const [completed] = await tx.db
      .update(backups)
      .set({ ...written, state: "completed", finishedAt: sql`statement_timestamp()` })
      .where(isOpen({ id }))
      .returning();
    if (!completed)
      throw new DomainError("conflict", "The backup was given up: its database connection was lost.");
    const data = { backup_id: id, bytes: written.bytes ?? 0 };
    await announceEnd(tx, userId, { kind: "backup.completed", subjectId: id, sequence: 1, data });
    return completed;
  });
}

/** Ends a backup, and tells all admins, or the user who started it if somebody stopped it. */
export async function failBackup(tx: Tx, { id, userId }: Origin, message: string): Promise<void> {
  const failed = await tx.db
    .update(backups)
    .set({ state: "failed", error: message, finishedAt: sql`statement_timestamp()` })
    .where(isOpen({ id }))
    .returning({ id: backups.id });
  if (failed.length === 0) return;
  const data = { backup_id: id, message };
  const toldUserId = message === STOPPED ? userId : null;
  await announceEnd(tx, toldUserId, { kind: "backup.failed", subjectId: id, sequence: 1, data });
}

/** @param userId null: all admins */
async function announceEnd<K extends "backup.completed" | "backup.failed">(
  tx: Tx,
  userId: number | null,
  end: Omit<Announcement<K>, "userId">,
): Promise<void> {
  if (userId === null) await announceToAdmins(tx, end);
  else await announce(tx, { ...end, userId } as Announcement<K>);
}

function isOpen({ id }: Pick<Backup, "id">) {
  return and(eq(backups.id, id), isNull(backups.finishedAt));
}
