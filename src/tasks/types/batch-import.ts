/** Imports an uploaded CSV file as a batch. The task ends when the batch ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { eq } from "drizzle-orm";
import Type from "typebox";
import Value from "typebox/value";
import { cancelBatch } from "../../batches/control/cancel-batch.ts";
import { retryRows } from "../../batches/control/retry-rows.ts";
import { getBatch, type StoredBatch } from "../../batches/queries.ts";
import { receiveUpload } from "../../batches/receive/receive-upload.ts";
import { UploadOptions } from "../../batches/receive/upload-options.ts";
import { hasEnded, isWhole, MAY_RUN_STATES } from "../../batches/state.ts";
import { viewBatch } from "../../batches/views.ts";
import type { Context } from "../../context.ts";
import { DomainError, Permanent } from "../../errors.ts";
import { plural } from "../../platform/plural.ts";
import { users } from "../../schema/accounts.ts";
import { findTarget } from "../../targets/registry.ts";
import type { RunningTask, TaskInput, TaskResult, TaskType } from "./task-type.ts";

/** A task always imports its file, even if the same file was uploaded before. */
const { force: _, ...options } = UploadOptions.properties;
const params = Type.Object(options);

/** A waiting task reads its batch this often and takes up a slot of its worker. */
const POLL_MS = 500;

export const batchImportType: TaskType<typeof params, "required"> = {
  name: "batch_import",
  description:
    "Imports a CSV file as a batch, with the options of an upload to /api/v1/batches, and ends when the batch ends. " +
    "Failed rows are in its counts. The task fails if the file cannot be read or the batch fails or is cancelled.",
  queue: "bulk_processing",
  params,
  file: "required",
  limits: { timeoutSeconds: 22 * 3600 },

  async run(ctx, input) {
    const { task, signal, progress } = input;
    const batchId = (await continueBatch(ctx, task)) ?? (await importFile(ctx, input));
    for (;;) {
      const batch = await getBatch(ctx, task.userId, batchId);
      const { counts } = viewBatch(batch, ctx.now());
      const done = counts.total - counts.pending - counts.processing;
      progress((done / Math.max(1, counts.total)) * 100, `${done} of ${plural(counts.total, "row")}`, counts);
      if (hasEnded(batch.state)) return resultOf(batch, counts);
      await sleep(POLL_MS, undefined, { signal });
    }
  },

  async onCancelled(tx, task) {
    const batchId = batchOf(task);
    if (batchId === null) return;
    const batch = await getBatch(tx, task.userId, batchId);
    if (MAY_RUN_STATES.some((state) => state === batch.state)) await cancelBatch(tx, task.userId, batchId);
  },
};

/** The batch that an earlier attempt created. Its chunks are processed even if this worker is lost. */
function batchOf({ result }: RunningTask): string | null {
  return typeof result?.batch_id === "string" ? result.batch_id : null;
}

/**
 * Retries the open rows of the batch if the batch had ended before the task was retried.
 * @returns null if there is no batch to continue
 */
async function continueBatch(ctx: Context, task: RunningTask): Promise<string | null> {
  const batchId = batchOf(task);
  if (batchId === null) return null;
  const batch = await getBatch(ctx, task.userId, batchId).catch(nullIfRemoved);
  if (!batch || batch.state === "undone") return null;
  const isRetried = batch.finishedAt && task.dueAt && batch.finishedAt < task.dueAt;
  if (!isRetried || (batch.state !== "failed" && batch.state !== "cancelled")) return batchId;
  const [owner] = await ctx.db.select().from(users).where(eq(users.id, task.userId));
  if (!owner) return null;
  // The rows that failed ended a failed batch, and would end it again. A cancelled batch keeps them.
  const rows = batch.state === "cancelled" && !isWhole(batch) ? { rows: [] } : {};
  // Like an API token, a task must not change what anybody logs in with.
  const actor = { id: owner.id, username: owner.username, role: owner.role, proof: "api_token" } as const;
  await retryRows({ ...ctx, actor }, task.userId, batchId, { ...rows, unprocessed: true }).catch(
    ignoreConflict,
  );
  return batchId;
}

function nullIfRemoved(error: unknown): null {
  if (error instanceof DomainError && error.code === "not_found") return null;
  throw error;
}

/** Nothing is left to retry, or the owner has retried the batch just now. */
function ignoreConflict(error: unknown): void {
  if (!(error instanceof DomainError) || error.code !== "conflict") throw error;
}

async function importFile(
  ctx: Context,
  { task, params, file, signal, checkpoint }: TaskInput<typeof batchImportType.params, "required">,
): Promise<string> {
  const [owner] = await ctx.db.select({ role: users.role }).from(users).where(eq(users.id, task.userId));
  // Nobody may be logged in when a task runs: an API token could have created or retried it.
  if (findTarget(params.target)?.needsLogin)
    throw new Permanent(
      "forbidden",
      `A task cannot import ${params.target}. An administrator can upload the file to /api/v1/batches.`,
    );
  const { batch } = await receiveUpload(ctx, {
    userId: task.userId,
    role: owner?.role ?? "user",
    filename: file.name,
    options: Value.Parse(UploadOptions, { ...params, force: true }),
    file: untilAborted(file.chunks(), signal),
    declaredBytes: file.bytes,
    finish: async () => signal.throwIfAborted(),
    onAccepted: (tx, { batch }) => checkpoint(tx, { batch_id: batch.id }),
  });
  return batch.id;
}

async function* untilAborted(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

type Counts = ReturnType<typeof viewBatch>["counts"];

function resultOf({ id, state, reason, target }: StoredBatch, counts: Counts): TaskResult {
  if (state === "failed" || state === "cancelled") {
    throw new Permanent(`batch_${state}`, reason ?? `The batch is ${state}.`);
  }
  const message = `Processed ${plural(counts.total, "row")} for ${target}: ${counts.success} succeeded and ${counts.failed} failed.`;
  return { message, batch_id: id, state, reason, counts };
}
