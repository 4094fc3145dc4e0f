import { inArray, lt } from "drizzle-orm";
import type { Context } from "../context.ts";
import { transferLife } from "../platform/process/sign-of-life.ts";
import { files } from "../schema/files.ts";

export async function removeFiles(ctx: Context, ids: string[]): Promise<void> {
  await ctx.db.delete(files).where(inArray(files.id, ids));
}

/** Removes the files that these tasks created, finished or not. Their uploaded files stay. */
export async function removeTaskFiles(ctx: Context, taskIds: readonly string[]): Promise<void> {
  await ctx.db.delete(files).where(inArray(files.taskId, [...taskIds]));
}

/** Removes unfinished files whose process died. @returns the number of removed files */
export async function removeDeadFiles(ctx: Context): Promise<number> {
  const isDead = lt(files.receivingAt, transferLife.deadBefore(ctx.now()));
  const dead = await ctx.db.delete(files).where(isDead).returning({ id: files.id });
  for (const { id } of dead) ctx.log.warn({ fileId: id }, "removed an unfinished file whose process died");
  return dead.length;
}
