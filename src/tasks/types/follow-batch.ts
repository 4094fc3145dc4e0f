/** Tasks that create a batch and end when it ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { eq } from "drizzle-orm";
import { cancelBatch } from "../../batches/control/cancel-batch.ts";
import { retryRows } from "../../batches/control/retry-rows.ts";
import { getBatch, type StoredBatch } from "../../batches/queries.ts";
import { hasEnded, isWhole, MAY_RUN_STATES } from "../../batches/state.ts";
import { viewBatch } from "../../batches/views.ts";
import type { Context, Tx } from "../../context.ts";
import { ContinueLater, DomainError, Permanent } from "../../errors.ts";
import { plural } from "../../platform/plural.ts";
import { users } from "../../schema/accounts.ts";
import type { RunningTask, TaskInput } from "./task-type.ts";

/** A waiting task reads its batch this often and takes up a slot of its worker. */
const POLL_MS = 500;
/** If only waiting rows are left, which can take days, the task gives up its slot for this time. */
const REST_SECONDS = 30;

export type Counts = ReturnType<typeof viewBatch>["counts"];

/**
 * Follows the batch of an earlier attempt, or the one that `create` creates. `create` returns its id, and calls
 * `checkpoint` with it in the transaction that queues the batch.
 * @returns the batch once it has ended
 * @throws Permanent if the batch fails or is cancelled; ContinueLater while all of its open rows wait
 */
export async function followBatch(
  ctx: Context,
  { task, signal, progress }: Pick<TaskInput<never>, "task" | "signal" | "progress">,
  create: () => Promise<string>,
): Promise<{ batch: StoredBatch; counts: Counts }> {
  const batchId = (await continueBatch(ctx, task)) ?? (await create());
  for (;;) {
    const batch = await getBatch(ctx, task.userId, batchId);
    const { counts, waiting } = viewBatch(batch, ctx);
    const done = counts.total - counts.pending - counts.processing;
    progress((done / Math.max(1, counts.total)) * 100, `${done} of ${plural(counts.total, "row")}`, counts);
    if (hasEnded(batch.state)) {
      const { state, reason } = batch;
      if (state !== "failed" && state !== "cancelled") return { batch, counts };
      throw new Permanent(`batch_${state}`, reason ?? `The batch is ${state}.`);
    }
    if (waiting?.rows === counts.total - done)
      throw new ContinueLater(REST_SECONDS, null, { isCounted: false });
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** For `onCancelled`. */
export async function cancelFollowedBatch(tx: Tx, task: RunningTask): Promise<void> {
  const batchId = batchOf(task);
  if (batchId === null) return;
  const batch = await getBatch(tx, task.userId, batchId);
  if (MAY_RUN_STATES.some((state) => state === batch.state)) await cancelBatch(tx, task.userId, batchId);
}

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

export async function* untilAborted(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
