import { inArray, lt } from "drizzle-orm";
import type { Context } from "../context.ts";
import { files } from "../schema/files.ts";

/** Their bytes go with them. */
export async function removeFiles(ctx: Context, ids: string[]): Promise<void> {
  await ctx.db.delete(files).where(inArray(files.id, ids));
}

/** Removes what these tasks have made and what they are making; what was uploaded for them stays. */
export async function removeTaskFiles(ctx: Context, taskIds: readonly string[]): Promise<void> {
  await ctx.db.delete(files).where(inArray(files.taskId, [...taskIds]));
}

/** Six signs of life missed (chunked-file.ts). */
const DEAD_SECONDS = 120;

/** Removes what a process that died was storing: uploads, and what tasks were making. */
export async function removeDeadFiles(ctx: Context): Promise<number> {
  const limit = new Date(ctx.now().getTime() - DEAD_SECONDS * 1000);
  const dead = await ctx.db.delete(files).where(lt(files.receivingAt, limit)).returning({ id: files.id });
  for (const { id } of dead) ctx.log.warn({ fileId: id }, "removed what a process that died has left");
  return dead.length;
}
