/** With partitions for 60 days, a statement about one batch opens those of its day alone. */
import { beforeAll, expect, test } from "vitest";
import { retryRows } from "../../src/batches/control/retry-rows.ts";
import { editRows } from "../../src/batches/correct/edit-rows.ts";
import { getBatch, listBatches } from "../../src/batches/queries.ts";
import { exportResults } from "../../src/batches/results/export-results.ts";
import { groupErrors } from "../../src/batches/results/group-errors.ts";
import { RESULT_FILES } from "../../src/batches/results/result-ranges.ts";
import { getRow, listRows, requireRow } from "../../src/batches/row-queries.ts";
import { removeBatch } from "../../src/batches/upkeep/remove-batch.ts";
import { deliverChunk, deliverUndo } from "../support/batches.ts";
import { chunksOf, importFile, receive } from "../support/imports.ts";
import { explaining, type Plans } from "../support/plans.ts";
import { asUser } from "../support/rowmill.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const DAY_MS = 86_400_000;
const DAYS = 60;

const rowmill = useRowmill();
const user = useUser(rowmill);

const file = (rows: number) =>
  `title,author,description\n${Array.from({ length: rows }, (_, row) => `Title ${row},${row % 2 ? "" : "Author"},\n`).join("")}`;

/** The name of a batch's partition, as the name of its table with the day. */
function partitionsOf(batchId: string): string[] {
  const ms = Number.parseInt(batchId.slice(0, 8) + batchId.slice(9, 13), 16);
  const day = new Date(ms).toISOString().slice(0, 10).replaceAll("-", "");
  return [`batch_rows_${day}`, `row_results_${day}`];
}

function expectOwnDay(plans: Plans, batchId: string): void {
  expect(plans.partitions().sort()).toEqual(partitionsOf(batchId));
}

beforeAll(async () => {
  for (let day = 1; day < DAYS; day++) {
    for (const table of ["batch_rows", "row_results"])
      await rowmill.ctx.pool.query("SELECT rowmill.create_day_partition($1, $2)", [
        table,
        new Date(Date.now() - day * DAY_MS).toISOString().slice(0, 10),
      ]);
  }
});

test("each partition of the last 60 days exists", async () => {
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT count(*)::int AS partitions FROM pg_partition_tree('rowmill.row_results') WHERE isleaf",
  );
  expect(rows[0]?.partitions).toBeGreaterThanOrEqual(DAYS);
});

test("a chunk is processed and undone in the partitions of its day", async () => {
  const batch = await receive(user, file(3000), "upsert");
  await using plans = await explaining(rowmill.ctx);
  for (const firstRow of await chunksOf(rowmill, batch)) await deliverChunk(plans, batch, firstRow);
  expectOwnDay(plans, batch);
  await user.post(`/api/v1/batches/${batch}/undo`);
  await deliverUndo(plans, batch);
  expectOwnDay(plans, batch);
});

test("rows, errors and results of a batch are read in the partitions of its day, in every state", async () => {
  const batch = await importFile(rowmill, user, file(3000), "append");
  await using plans = await explaining(rowmill.ctx);
  for (const state of ["processing", "completed_with_errors", "cancelled"] as const) {
    const stored = { ...(await getBatch(plans, user.userId, batch)), state };
    for (const status of [
      ...["success", "failed", "undone", "pending", "processing", "unprocessed"],
      null,
    ] as const)
      await listRows(plans, stored, { status: status as never, after: 100, limit: 100 });
    await listRows(plans, stored, { status: null, undo: "kept", after: 0, limit: 100 });
    await listRows(plans, stored, { status: "failed", cause: { code: "required" }, after: 0, limit: 100 });
    await getRow(plans, stored, 7);
    await requireRow(plans, stored, 7);
    await groupErrors(plans, stored);
    for (const result of RESULT_FILES) {
      const text = await exportResults(plans, stored, { file: result, format: "csv", withBom: false });
      for await (const _ of text);
    }
  }
  expectOwnDay(plans, batch);
});

test("rows of a batch are edited, retried and removed in the partitions of its day", async () => {
  const batch = await importFile(rowmill, user, file(3000), "append");
  await using plans = await explaining(rowmill.ctx);
  const acting = asUser(plans, user.userId);
  await editRows(acting, user.userId, batch, [{ row: 3, fields: { author: "Somebody" } }]);
  await retryRows(acting, user.userId, batch, { rows: [5, 7] });
  expectOwnDay(plans, batch);
  await removeBatch(plans, batch);
  expectOwnDay(plans, batch);
});

test("a list of batches and the status of one open no partition", async () => {
  const batch = await importFile(rowmill, user, file(100), "append");
  await using plans = await explaining(rowmill.ctx);
  await getBatch(plans, user.userId, batch);
  await listBatches(plans, { userId: user.userId }, { before: null, limit: 50 });
  expect(plans.partitions()).toEqual([]);
});
