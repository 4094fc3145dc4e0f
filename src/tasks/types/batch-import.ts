/** Imports an uploaded CSV file or Excel workbook as a batch. The task ends when the batch ends. */
import { eq } from "drizzle-orm";
import Type from "typebox";
import Value from "typebox/value";
import type { StoredBatch } from "../../batches/queries.ts";
import { receiveUpload } from "../../batches/receive/receive-upload.ts";
import { UploadOptions } from "../../batches/receive/upload-options.ts";
import type { Context } from "../../context.ts";
import { Permanent } from "../../errors.ts";
import { plural } from "../../platform/plural.ts";
import { users } from "../../schema/accounts.ts";
import { findBuiltIn } from "../../targets/registry.ts";
import { type Counts, cancelFollowedBatch, followBatch, untilAborted } from "./follow-batch.ts";
import type { TaskInput, TaskType } from "./task-type.ts";

/** A task always imports its file, even if the same file was uploaded before. */
const { force: _, ...options } = UploadOptions.properties;
const params = Type.Object(options);

export const batchImportType: TaskType<typeof params, "required"> = {
  name: "batch_import",
  description:
    "Imports a CSV file or an Excel workbook as a batch, with the options of an upload to /api/v1/batches, and ends when the batch ends. " +
    "Failed rows are in its counts. The task fails if the file cannot be read or the batch fails or is cancelled.",
  queue: "bulk_processing",
  params,
  file: "required",
  limits: { timeoutSeconds: 22 * 3600 },

  async run(ctx, input) {
    const { batch, counts } = await followBatch(ctx, input, () => importFile(ctx, input));
    const { id, state, reason } = batch;
    return { message: describe(batch, counts), batch_id: id, state, reason, counts };
  },

  onCancelled: cancelFollowedBatch,
};

async function importFile(
  ctx: Context,
  { task, params, file, signal, checkpoint }: TaskInput<typeof batchImportType.params, "required">,
): Promise<string> {
  const [owner] = await ctx.db.select({ role: users.role }).from(users).where(eq(users.id, task.userId));
  // Nobody may be logged in when a task runs: an API token could have created or retried it.
  if (findBuiltIn(params.target)?.needsLogin)
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

function describe({ target }: StoredBatch, counts: Counts): string {
  return `Processed ${plural(counts.total, "row")} for ${target}: ${counts.success} succeeded and ${counts.failed} failed.`;
}
