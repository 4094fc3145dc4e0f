import { inArray, lt } from "drizzle-orm";
import type { Context } from "../context.ts";
import { transferLife } from "../platform/process/sign-of-life.ts";
import { files } from "../schema/files.ts";

/** Their bytes go with them. */
export async function removeFiles(ctx: Context, ids: string[]): Promise<void> {
  await ctx.db.delete(files).where(inArray(files.id, ids));
}

/** Removes what these tasks have made and what they are making; what was uploaded for them stays. */
export async function removeTaskFiles(ctx: Context, taskIds: readonly string[]): Promise<void> {
  await ctx.db.delete(files).where(inArray(files.taskId, [...taskIds]));
}

/** Removes what a process that died was storing: uploads, and what tasks were making. */
export async function removeDeadFiles(ctx: Context): Promise<number> {
  const isDead = lt(files.receivingAt, transferLife.deadBefore(ctx.now()));
  const dead = await ctx.db.delete(files).where(isDead).returning({ id: files.id });
  for (const { id } of dead) ctx.log.warn({ fileId: id }, "removed what a process that died has left");
  return dead.length;
}
