import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { showDone } from "../../../parts/feedback.tsx";
import { batchWords as words } from "../../../words/batches.ts";

const PATHS = {
  pause: "/api/v1/batches/{batch_id}/pause",
  resume: "/api/v1/batches/{batch_id}/resume",
  cancel: "/api/v1/batches/{batch_id}/cancel",
  commit: "/api/v1/batches/{batch_id}/commit",
  undo: "/api/v1/batches/{batch_id}/undo",
} as const;

export type Command = keyof typeof PATHS;

/** Sends a command, and reads the batch again. @throws RowmillError */
export async function sendCommand(batchId: string, command: Command): Promise<void> {
  await client.post(PATHS[command], { path: { batch_id: batchId } });
  showDone(words.done[command]);
  await invalidate("/api/v1/batches", batchId);
}

/** Retries all failed rows, or the given ones. @throws RowmillError */
export async function retryRows(
  batchId: string,
  body: { readonly rows?: number[]; readonly unprocessed?: boolean } = {},
): Promise<void> {
  const path = { batch_id: batchId };
  await client.post("/api/v1/batches/{batch_id}/retry", { path, body: { unprocessed: false, ...body } });
  await invalidate("/api/v1/batches", batchId);
}
