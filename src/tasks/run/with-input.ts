import { and, eq, sql } from "drizzle-orm";
import { QuotaExceeded } from "../../accounts/quotas.ts";
import type { Context, Tx } from "../../context.ts";
import { Permanent } from "../../errors.ts";
import { openTaskFile } from "../../files/open-file.ts";
import { removeTaskFiles } from "../../files/remove-files.ts";
import { storeStream } from "../../files/store-stream.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import { tasks } from "../../schema/tasks.ts";
import { isAttempt, type Task } from "../transitions.ts";
import type { OutputFile, TaskInput } from "../types/task-type.ts";
import type { Progress } from "./progress.ts";

interface Attempt {
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** The state that the type gave when the attempt was put back; null at its beginning. */
  readonly state: unknown;
  /** Receives the ids of the files that the attempt creates. */
  readonly createdFileIds: string[];
}

/** Calls `use` with the input of a task type. Removes the files of an earlier attempt and closes the file afterwards. */
export async function withInput<T>(
  ctx: Context,
  { task, signal, progress, createdFileIds, state }: Attempt,
  use: (input: Omit<TaskInput<never>, "params">) => Promise<T>,
): Promise<T> {
  if (task.attempt > 1 && state === null) await removeTaskFiles(ctx, [task.id]);
  await using file = await openFileOf(ctx, task);
  const store: TaskInput<never>["store"] = async (content, { name, mediaType }): Promise<OutputFile> => {
    signal.throwIfAborted();
    const owner = { userId: task.userId, taskId: task.id, origin: "result" } as const;
    const stored = await storeStream(ctx, { ...owner, name, mediaType }, content).catch(mapQuotaError);
    createdFileIds.push(stored.id);
    return { id: stored.id, name: stored.name, media_type: stored.mediaType, bytes: stored.bytes };
  };
  return await use({
    task,
    file,
    state,
    signal,
    progress: (percent, message, data) => progress.report(percent, message, data),
    store,
    checkpoint: (tx, result) => checkpoint(tx, task, result),
  });
}

async function openFileOf(ctx: Context, { userId, fileId, filePath, fileName }: Task) {
  if (fileName === null) return null;
  return openTaskFile(ctx, { userId, fileId, path: filePath ?? "", name: fileName });
}

function mapQuotaError(error: unknown): never {
  if (error instanceof QuotaExceeded) throw new Permanent("quota_exceeded", error.message, { cause: error });
  throw error;
}

async function checkpoint(tx: Tx, task: Task, result: Record<string, unknown>): Promise<void> {
  const { rowCount } = await tx.db
    .update(tasks)
    .set({ result: sql`${storableJson(result)}::json` })
    .where(and(isAttempt(task), eq(tasks.status, "processing")));
  if (rowCount === 0) throw new Error(`Task ${task.id} was cancelled, deleted or started by another worker.`);
}
