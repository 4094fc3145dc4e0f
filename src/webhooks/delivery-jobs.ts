/** The jobs of deliveries. A job starts one attempt. Its id is deterministic, so that no job exists twice. */
import type { Tx } from "../context.ts";
import { jobs } from "../jobs.ts";
import { deterministicJobId } from "../platform/ids.ts";

export interface DeliveryRun {
  readonly id: string;
  readonly webhookId: string;
  readonly run: number;
}

export function deliveryJobId({ id, run }: Pick<DeliveryRun, "id" | "run">): string {
  return deterministicJobId("webhook", id, run);
}

/** Enqueues the jobs of deliveries that are due now or after `startAfterSeconds`. */
export async function enqueueDeliveries(
  tx: Tx,
  runs: readonly DeliveryRun[],
  startAfterSeconds = 0,
): Promise<void> {
  if (runs.length === 0) return;
  const added = runs.map(({ id, webhookId, run }) => ({
    id: deliveryJobId({ id, run }),
    payload: { deliveryId: id, run },
    // A worker fetches no more jobs of a webhook than it may send at a time.
    group: webhookId,
    startAfterSeconds,
  }));
  await tx.queue.add(tx.db, jobs.deliverWebhook, added);
}
