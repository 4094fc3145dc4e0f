import { alertAdmins } from "../../announcements/alert-admins.ts";
import type { Tx } from "../../context.ts";
import { transition } from "../transitions.ts";

/**
 * Pauses a batch whose rows would all fail, and tells the administrators. The caller has locked the batch, which is being
 * processed.
 * @param reason a sentence for its owner
 */
export async function suspendBatch(tx: Tx, batchId: string, reason: string): Promise<void> {
  const { target } = await transition(tx, batchId, "pause", { reason, failedRequests: 0 });
  await alertAdmins(tx, {
    key: `paused/${target}`,
    subject: `Batches for ${target} are paused`,
    message: `Rowmill has paused the batch ${batchId}, and pauses others for the same reason: ${reason}`,
  });
}
