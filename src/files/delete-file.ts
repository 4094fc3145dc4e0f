import { and, eq, inArray } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { files } from "../schema/files.ts";
import { OPEN_TASK_STATUSES, tasks } from "../schema/tasks.ts";
import { isShownTo } from "./queries.ts";
import { removeFiles } from "./remove-files.ts";

/**
 * Removes a file that was uploaded, or made by a task.
 * @throws DomainError `not_found`, also where it is somebody else's or a book's picture; `conflict` while a task needs it
 */
export function deleteFile(ctx: Context, userId: number, id: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    // Locked, so that no task can begin to need it meanwhile.
    const [file] = await tx.db
      .select({ id: files.id })
      .from(files)
      .where(and(eq(files.id, id), isShownTo(tx, userId)))
      .for("update");
    if (!file) throw notFound("file");
    const [task] = await tx.db
      .select({ id: tasks.id, status: tasks.status })
      .from(tasks)
      .where(and(eq(tasks.fileId, id), inArray(tasks.status, [...OPEN_TASK_STATUSES])))
      .limit(1);
    if (task) {
      throw new DomainError(
        "conflict",
        `Task ${task.id} is ${task.status} and needs this file. Cancel it, or wait until it has ended.`,
      );
    }
    await removeFiles(tx, [id]);
  });
}
