import { and, asc, desc, eq, getTableColumns, gte, isNull, lt, ne, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { isEnabledAdmin, users } from "../schema/accounts.ts";
import { backups } from "../schema/backups.ts";
import type { Backup } from "./records.ts";

/** Newest first. @param before the id of the last backup of the previous page */
export function listBackups(
  ctx: Context,
  { before, limit }: { before: string | null; limit: number },
): Promise<Found<Backup>> {
  const where = before === null ? sql`true` : lt(backups.id, before);
  return readPage(ctx, {
    fields: getTableColumns(backups),
    from: sql`${backups} WHERE ${where} ORDER BY ${desc(backups.id)}`,
    order: sql`id DESC`,
    limit,
  });
}

/** @throws DomainError `not_found` */
export async function getBackup({ db }: Context, id: string): Promise<Backup> {
  const [backup] = await db.select().from(backups).where(eq(backups.id, id));
  if (!backup) throw notFound("backup");
  return backup;
}

/** Whether a backup that no user has requested was created since then, and has not failed. */
export async function hasScheduledBackup({ db }: Context, since: Date): Promise<boolean> {
  const isScheduled = and(isNull(backups.userId), ne(backups.state, "failed"), gte(backups.createdAt, since));
  return (await db.$count(backups, isScheduled)) > 0;
}

/** Returns the admin who owns the files of scheduled backups. @throws DomainError `conflict` */
export async function owningAdmin({ db }: Context): Promise<number> {
  const [admin] = await db
    .select({ id: users.id })
    .from(users)
    .where(isEnabledAdmin(users))
    .orderBy(asc(users.id))
    .limit(1);
  if (!admin)
    throw new DomainError(
      "conflict",
      "No admin exists to own the file (BACKUP_TO=files). Create one: create-admin.",
    );
  return admin.id;
}
