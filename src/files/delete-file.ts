import { and, eq, inArray } from "drizzle-orm";
import { recordOwn } from "../audit/record-repeated.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { files } from "../schema/files.ts";
import { OPEN_TASK_STATUSES, tasks } from "../schema/tasks.ts";
import { isShownTo } from "./queries.ts";
import { removeFiles } from "./remove-files.ts";

/**
 * Deletes an uploaded file or a file that a task created.
 * @throws DomainError `not_found`, also for a file of another user and for the picture of a book; `conflict` while a
 * task needs the file
 */
export function deleteFile(ctx: Context, userId: number, id: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    // The lock keeps new tasks from referring to the file.
    const [file] = await tx.db
      .select({ name: files.name })
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
        `Task ${task.id} is ${task.status} and needs this file. Cancel the task or wait until it ends.`,
      );
    }
    await removeFiles(tx, [id]);
    const subject = { type: "file", id };
    await recordOwn(tx, { action: "file.deleted", subject, ownerId: userId, details: { name: file.name } });
  });
}
