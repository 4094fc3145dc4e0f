import { inArray, lt, type SQL } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { transferLife } from "../platform/process/sign-of-life.ts";
import { fileChunks, files } from "../schema/files.ts";

export async function removeFiles(ctx: Context, ids: string[]): Promise<void> {
  await removeFilesWhere(ctx, inArray(files.id, ids));
}

/** Removes the files that these tasks created, finished or not. Their uploaded files stay. */
export async function removeTaskFiles(ctx: Context, taskIds: readonly string[]): Promise<void> {
  await removeFilesWhere(ctx, inArray(files.taskId, [...taskIds]));
}

/** Removes unfinished files whose process died. @returns the number of removed files */
export async function removeDeadFiles(ctx: Context): Promise<number> {
  const dead = await removeFilesWhere(ctx, lt(files.receivingAt, transferLife.deadBefore(ctx.now())));
  for (const id of dead) ctx.log.warn({ fileId: id }, "removed an unfinished file whose process died");
  return dead.length;
}

/**
 * Deletes the files first: a process that stores a chunk locks its file, so the second statement sees the chunk.
 * @returns the ids of the removed files
 */
export function removeFilesWhere(ctx: Context, condition: SQL | undefined): Promise<string[]> {
  return inTransaction(ctx, async (tx) => {
    const removed = await tx.db.delete(files).where(condition).returning({ id: files.id });
    const ids = removed.map(({ id }) => id);
    if (ids.length > 0) await tx.db.delete(fileChunks).where(inArray(fileChunks.fileId, ids));
    return ids;
  });
}
