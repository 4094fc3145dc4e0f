/** Chunks of plain rows of one user wait for a core, if the database runs on the machine of the worker. */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { expect, onTestFinished, test, vi } from "vitest";
import { processChunk } from "../../../../src/batches/process/process-chunk.ts";
import { plainSlots } from "../../../../src/batches/process/write/plain-slots.ts";
import { inTransaction } from "../../../../src/context.ts";
import { isServerProcess, sharesMachine } from "../../../../src/platform/postgres/shares-machine.ts";
import { csv } from "../../../support/book-files.ts";
import type { Client } from "../../../support/client.ts";
import { receive } from "../../../support/imports.ts";
import { recordStatements } from "../../../support/record-statements.ts";
import { until } from "../../../support/until.ts";
import { useRowmill } from "../../../support/use-rowmill.ts";

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

function deliver(batchId: string, signal: AbortSignal, isLocal = true): Promise<object | undefined> {
  const payload = { batchId, firstRow: 2 };
  const delivery = { id: randomUUID(), payload, attempt: 1, signal };
  const ctx = { ...rowmill.ctx, sharesMachine: isLocal };
  return inTransaction(ctx, (tx) => processChunk(ctx, tx, payload, delivery));
}

const untilWaiting = () => until("the chunk waits", async () => plainSlots(rowmill.ctx).isWanted);

test("a large chunk waits for a slot of its user, and locks nothing meanwhile", async () => {
  const user = await rowmill.newUser();
  const batch = await receive(user, csv(1000));
  const taken = await takeAll(user);
  const sent = recordStatements();
  const delivered = deliver(batch, never());
  await untilWaiting();
  const locking = [...sent.values()].flat().filter((text) => /FOR UPDATE|advisory|SAVEPOINT/.test(text));
  expect(locking).toEqual([]);
  taken.dispose();
  expect(await delivered).toMatchObject({ succeeded: 1000 });
});

test("a chunk gives its slot back", async () => {
  const user = await rowmill.newUser();
  for (let slot = 0; slot <= availableParallelism(); slot++) {
    const batch = await receive(user, csv(1000).replaceAll("\n", ` ${slot}\n`));
    await deliver(batch, never());
  }
  using taken = await takeAll(user);
  expect(taken.disposed).toBe(false);
  expect(plainSlots(rowmill.ctx).isWanted).toBe(false);
});

test("a chunk that has waited for a second needs no slot", async () => {
  const user = await rowmill.newUser();
  const batch = await receive(user, csv(1000));
  using _ = await takeAll(user);
  expect(await deliver(batch, never())).toMatchObject({ succeeded: 1000 });
});

test.for<[string, number, boolean]>([
  ["a small chunk needs no slot", 60, true],
  ["a chunk needs no slot if the database runs elsewhere", 1000, false],
])("%s", async ([_, rows, isLocal]) => {
  const user = await rowmill.newUser();
  const batch = await receive(user, csv(rows));
  const take = vi.spyOn(plainSlots(rowmill.ctx), "take");
  onTestFinished(() => take.mockRestore());
  expect(await deliver(batch, never(), isLocal)).toMatchObject({ succeeded: rows });
  expect(take).not.toHaveBeenCalled();
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

test("a server runs on this machine if its process does", async () => {
  expect(await sharesMachine(rowmill.ctx.pool)).toBe(process.platform === "linux");
  expect(await isServerProcess(process.pid)).toBe(false);
});
