import { inArray } from "drizzle-orm";
import type { Context } from "../context.ts";
import { files } from "../schema/files.ts";

/** Their bytes go with them. */
export async function removeFiles(ctx: Context, ids: string[]): Promise<void> {
  await ctx.db.delete(files).where(inArray(files.id, ids));
}
