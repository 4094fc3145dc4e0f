/** Which indexes the statements use, whatever the planner knows: a batch and its owner are always newer than the statistics. */
import { beforeAll, describe, expect, test } from "vitest";
import { retryRows } from "../../src/batches/control/retry-rows.ts";
import { getBatch } from "../../src/batches/queries.ts";
import { exportResults } from "../../src/batches/results/export-results.ts";
import { groupErrors } from "../../src/batches/results/group-errors.ts";
import { RESULT_FILES } from "../../src/batches/results/result-ranges.ts";
import { listRows } from "../../src/batches/row-queries.ts";
import { removeBatch } from "../../src/batches/upkeep/remove-batch.ts";
import type { BatchMode } from "../../src/schema/batches.ts";
import { newAdmin } from "../support/admin.ts";
import { deliverChunk, deliverUndo } from "../support/batches.ts";
import { chunksOf, importFile, receive } from "../support/imports.ts";
import { explaining, fillTables, type Plans, STATISTICS } from "../support/plans.ts";
import { asUser } from "../support/rowmill.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

/** At this size the index by key has a level more than the index by owner. */
const BOOKS = 40_000;

const lines = (rows: number, line: (index: number) => string) =>
  `title,author,description\n${Array.from({ length: rows }, (_, index) => `${line(index)}\n`).join("")}`;
/** Every second book is one of those that the owner has. */
const file = lines(20_000, (index) => `Title ${index * 4},Author,changed`);

const BY_ID = "books_user_id_id_pk (user_id, id)";
const ROWS = {
  batch_rows: ["batch_rows_batch_id_row_number_pk (batch_id, row_number)"],
  row_results: ["row_results_batch_id_row_number_pk (batch_id, row_number)"],
};

/** Each row is looked up by its number, or read once in a range. */
function expectRowsByNumber(plans: Plans): void {
  const { batch_rows, row_results } = ROWS;
  expect(plans.scans("batch_rows").filter((scan) => !batch_rows.includes(scan))).toEqual([]);
  expect(plans.scans("row_results").filter((scan) => !row_results.includes(scan))).toEqual([]);
  expectNoComparison(plans);
}

/** No join compares each row of one table with each row of another. */
function expectNoComparison({ joinFilters }: Plans): void {
  expect(joinFilters.filter((filter) => filter.includes("row_number"))).toEqual([]);
}

describe.for(STATISTICS)("with %s statistics", (statistics) => {
  const rowmill = useRowmill();
  const user = useUser(rowmill);
  beforeAll(() => fillTables(rowmill, user, statistics, BOOKS));

  test.for<[BatchMode, string[]]>([
    ["insert", ["books_key (user_id, key)"]],
    ["skip_existing", ["books_key (user_id, key)"]],
    ["upsert", ["books_key (user_id, key)"]],
    ["append", [BY_ID]],
  ])("a chunk of mode %s looks up each book by its key", async ([mode, scans]) => {
    const batch = await receive(user, file, mode);
    const chunks = await chunksOf(rowmill, batch);
    await deliverChunk(rowmill.ctx, batch, chunks.at(-1));
    await using plans = await explaining(rowmill.ctx);
    await deliverChunk(plans, batch, chunks[0]);
    const byId = mode === "upsert" ? [BY_ID] : [];
    expect(plans.scans("books").filter((scan) => !byId.includes(scan))).toEqual(scans);
    expectRowsByNumber(plans);
  });

  test("a chunk of accounts looks up each account by its name", async () => {
    const admin = await newAdmin(rowmill);
    const rows = Array.from({ length: 1000 }, (_, index) => `member-${index},m${index}@example.com\n`);
    const batch = await receive(admin, `username,email\n${rows.join("")}`, "upsert", "users");
    for (const firstRow of [2, 27]) await deliverChunk(rowmill.ctx, batch, firstRow);
    const again = await receive(
      admin,
      `username,email\n${rows.join("").replaceAll("@", "@mail.")}`,
      "upsert",
      "users",
    );
    await using plans = await explaining(rowmill.ctx);
    await deliverChunk(plans, again, 2);
    const allowed = ["users_pkey (id)", "users_username_key (username)", "whole table"];
    expect(plans.scans("users").filter((scan) => !allowed.includes(scan))).toEqual([]);
    expectRowsByNumber(plans);
  });

  test.for(["books", "records"])("undo looks up %s by id", async (target) => {
    const batch = await importFile(
      rowmill,
      user,
      lines(1000, (index) => `New ${index},${target},`),
      "append",
      { target },
    );
    await user.post(`/api/v1/batches/${batch}/undo`);
    await using plans = await explaining(rowmill.ctx);
    await deliverUndo(plans, batch);
    const byId = [`${target}_user_id_id_pk (id, user_id)`, `${target}_user_id_id_pk (user_id, id)`];
    expect(plans.scans(target).filter((scan) => !byId.includes(scan))).toEqual([]);
    expectRowsByNumber(plans);
  });

  test("a batch with failed rows is read, corrected, retried and removed by row numbers", async () => {
    const failing = lines(4000, (index) => (index % 2 ? `,Nobody,${statistics}` : `Read ${index},Author,`));
    const batch = await importFile(rowmill, user, failing, "insert");
    await using plans = await explaining(rowmill.ctx);
    const stored = await getBatch(plans, user.userId, batch);
    await groupErrors(plans, stored);
    for (const status of ["success", "failed", null] as const)
      await listRows(plans, stored, { status, after: 1000, limit: 100 });
    for (const result of RESULT_FILES) {
      const text = await exportResults(plans, stored, { file: result, format: "csv", withBom: false });
      for await (const _ of text);
    }
    await retryRows(asUser(plans, user.userId), user.userId, batch, { rows: [3, 5, 7] });
    expectNoComparison(plans);
    expect([...plans.scans("batch_rows"), ...plans.scans("row_results")]).not.toContain("whole table");
    await removeBatch(plans, batch);
    expectNoComparison(plans);
    expect([...plans.scans("batch_rows"), ...plans.scans("row_results")]).not.toContain("whole table");
  });
});
