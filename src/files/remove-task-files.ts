import { inArray } from "drizzle-orm";
import type { Context } from "../context.ts";
import { files } from "../schema/files.ts";

/** Removes what these tasks have made and what they are making; what was uploaded for them stays. */
export async function removeTaskFiles(tx: Context, taskIds: readonly string[]): Promise<void> {
  await tx.db.delete(files).where(inArray(files.taskId, [...taskIds]));
}
