/** Statements that write plain rows of one user wait for a core of the machine, so that others find one sooner. */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { plainSlots } from "../../../src/batches/process/plain-slots.ts";
import { processChunk } from "../../../src/batches/process/process-chunk.ts";
import { inTransaction } from "../../../src/context.ts";
import { csv } from "../../support/book-files.ts";
import type { Client } from "../../support/client.ts";
import { receive } from "../../support/imports.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { CHUNK_MIN_ROWS: "1000" } });

const never = () => new AbortController().signal;

/** Takes every slot of the user. */
async function takeAll({ userId }: Client): Promise<DisposableStack> {
  const taken = new DisposableStack();
  const slots = plainSlots(rowmill.ctx);
  for (let slot = 0; slot < availableParallelism(); slot++)
    taken.use(await slots.take(String(userId), never));
  return taken;
}

function deliver(batchId: string, signal: AbortSignal): Promise<object | undefined> {
  const payload = { batchId, firstRow: 2 };
  const delivery = { id: randomUUID(), payload, attempt: 1, signal };
  return inTransaction(rowmill.ctx, (tx) => processChunk(rowmill.ctx, tx, payload, delivery));
}

const untilWaiting = () => until("the chunk waits", async () => plainSlots(rowmill.ctx).isWanted);

test("a large chunk waits for a slot of its user", async () => {
  const user = await rowmill.newUser();
  const batch = await receive(user, csv(1000));
  const taken = await takeAll(user);
  const delivered = deliver(batch, never());
  await untilWaiting();
  taken.dispose();
  expect(await delivered).toMatchObject({ succeeded: 1000 });
});

test("a chunk that has waited for a second needs no slot", async () => {
  const user = await rowmill.newUser();
  const batch = await receive(user, csv(1000));
  using _ = await takeAll(user);
  expect(await deliver(batch, never())).toMatchObject({ succeeded: 1000 });
});

test("a chunk that is stopped while it waits for a slot writes nothing", async () => {
  const user = await rowmill.newUser();
  const batch = await receive(user, csv(1000));
  using _ = await takeAll(user);
  const worker = new AbortController();
  const delivered = deliver(batch, worker.signal);
  await untilWaiting();
  worker.abort(new Error("The worker stops."));
  await expect(delivered).rejects.toThrow("The worker stops.");
  expect((await user.batch(batch)).body.counts).toMatchObject({ success: 0 });
});
