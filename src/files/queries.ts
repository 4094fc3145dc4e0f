import { and, desc, eq, exists, getTableColumns, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { files } from "../schema/files.ts";
import { tasks } from "../schema/tasks.ts";
import type { StoredFile } from "./read-file.ts";
import type { ShownOrigin } from "./views.ts";

/** Excludes pictures, which belong to books, and files of tasks that have not completed. */
export function isShownTo(ctx: Context, userId: number, origin?: ShownOrigin): SQL | undefined {
  const completed = ctx.db
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(eq(tasks.id, files.taskId), eq(tasks.status, "completed")));
  const isUpload = origin === "result" ? undefined : eq(files.origin, "upload");
  const isResult = origin === "upload" ? undefined : and(eq(files.origin, "result"), exists(completed));
  // As the index `files_listed` says it.
  const isListed = sql`${files.origin} <> 'picture'`;
  return and(eq(files.userId, userId), isListed, isNull(files.receivingAt), or(isUpload, isResult));
}

/** Newest first. @param before the id of the last file of the previous page */
export function listFiles(
  ctx: Context,
  userId: number,
  { origin, before, limit }: { origin: ShownOrigin | undefined; before: string | null; limit: number },
): Promise<Found<StoredFile>> {
  const where = and(isShownTo(ctx, userId, origin), before === null ? undefined : lt(files.id, before));
  return readPage(ctx, {
    fields: getTableColumns(files),
    from: sql`${files} WHERE ${where} ORDER BY ${desc(files.id)}`,
    order: sql`id DESC`,
    limit,
  });
}

/** @throws DomainError `not_found`, also for a file of another user */
export async function getFile(ctx: Context, userId: number, id: string): Promise<StoredFile> {
  const [file] = await ctx.db
    .select()
    .from(files)
    .where(and(eq(files.id, id), isShownTo(ctx, userId)));
  if (!file) throw notFound("file");
  return file;
}
