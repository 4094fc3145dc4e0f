import { and, eq, sql } from "drizzle-orm";
import type { Context, Tx } from "../../context.ts";
import { Permanent } from "../../errors.ts";
import { openTaskFile } from "../../files/open-file.ts";
import { QuotaExceeded } from "../../files/quota.ts";
import { removeTaskFiles } from "../../files/remove-files.ts";
import { storeStream } from "../../files/store-stream.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import { tasks } from "../../schema/tasks.ts";
import type { Task } from "../transitions.ts";
import type { MadeFile, TaskInput } from "../types/task-type.ts";
import type { Progress } from "./progress.ts";

/** What an attempt works with, and what it leaves behind. */
interface Attempt {
  readonly task: Task;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Gets the ids of the files that it makes. */
  readonly made: string[];
}

/** Calls `use` with what a type gets to work with, without the files that an attempt before has left. */
export async function withInput<T>(
  ctx: Context,
  { task, signal, progress, made }: Attempt,
  use: (input: Omit<TaskInput<never>, "params">) => Promise<T>,
): Promise<T> {
  if (task.attempt > 1) await removeTaskFiles(ctx, [task.id]);
  await using file = await openFileOf(ctx, task);
  const store: TaskInput<never>["store"] = async (content, { name, mediaType }): Promise<MadeFile> => {
    signal.throwIfAborted();
    const owner = { userId: task.userId, taskId: task.id, origin: "result" } as const;
    const stored = await storeStream(ctx, { ...owner, name, mediaType }, content).catch(refuseQuota);
    made.push(stored.id);
    return { id: stored.id, name: stored.name, media_type: stored.mediaType, bytes: stored.bytes };
  };
  return await use({
    task,
    file,
    signal,
    progress: (percent, message, data) => progress.report(percent, message, data),
    store,
    keep: (tx, result) => keep(tx, task, result),
  });
}

async function openFileOf(ctx: Context, { userId, fileId, filePath, fileName }: Task) {
  if (fileName === null) return null;
  return openTaskFile(ctx, { userId, fileId, path: filePath ?? "", name: fileName });
}

function refuseQuota(error: unknown): never {
  if (error instanceof QuotaExceeded) throw new Permanent("quota_exceeded", error.message, { cause: error });
  throw error;
}

async function keep(tx: Tx, { id, attempt }: Task, result: Record<string, unknown>): Promise<void> {
  const isMine = and(eq(tasks.id, id), eq(tasks.attempt, attempt), eq(tasks.status, "processing"));
  const kept = await tx.db
    .update(tasks)
    .set({ result: sql`${storableJson(result)}::json` })
    .where(isMine);
  if (kept.rowCount === 0) throw new Error(`The task ${id} is not this worker's any more.`);
}
