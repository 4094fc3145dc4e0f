/** Logs and counts report what was committed, and report it once. */
import { pino } from "pino";
import { expect, test } from "vitest";
import { processChunk } from "../../../src/batches/process/process-chunk.ts";
import { processWhole } from "../../../src/batches/process/process-whole.ts";
import { type Context, inTransaction } from "../../../src/context.ts";
import { deliverChunk, delivery } from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import { type Rowmill, startRowmill } from "../../support/rowmill.ts";
import { addLockTrouble } from "../../support/triggers.ts";
import { uploadForm } from "../../support/upload-form.ts";

/** A context of the API, and what it logs. */
function withLog({ ctx }: Rowmill): { ctx: Context; logged: string[] } {
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line) => void logged.push(JSON.parse(line).msg) });
  return { ctx: { ...ctx, log }, logged };
}

test.for([
  ["chunk succeeded", {}, processChunk],
  ["batch processed", { policy: "atomic" }, processWhole],
] as const)("%s is logged only if its transaction commits", async ([message, query, process]) => {
  await using rowmill = await startRowmill();
  const { ctx, logged } = withLog(rowmill);
  const { body: batch } = await uploadForm(await rowmill.newUser(), csv(5), { query });
  const work = { batchId: batch.id, firstRow: 2 };
  const deliver = (commit: () => void) =>
    inTransaction(ctx, async (tx) => {
      await process(ctx, tx, work, delivery(work));
      commit();
    });
  const failing = deliver(() => {
    throw new Error("just before the commit");
  });
  await expect(failing).rejects.toThrow("just before the commit");
  expect(logged).not.toContain(message);
  await deliver(() => {});
  expect(logged.filter((line) => line === message)).toHaveLength(1);
});

test("a chunk that is repeated because of a lock counts its rows and logs its end once", async () => {
  await using rowmill = await startRowmill();
  const { ctx, logged } = withLog(rowmill);
  const { body: batch } = await uploadForm(await rowmill.newUser(), csv(5));
  const counted: object[] = [];
  ctx.activity.on("rowsProcessed", (rows) => counted.push(rows));
  await addLockTrouble(
    ctx.pool,
    "trouble",
    "BEFORE UPDATE ON rowmill.batches FOR EACH ROW WHEN (NEW.finished_at IS NOT NULL)",
  );
  await deliverChunk(ctx, batch.id);
  expect(logged).toContain("another transaction is in the way; trying again");
  expect(logged.filter((line) => line === "batch finished")).toHaveLength(1);
  expect(counted).toEqual([expect.objectContaining({ succeeded: 5, failed: 0 })]);
});
