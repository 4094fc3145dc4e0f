import Type from "typebox";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { processRows } from "../../../src/batches/process/process-rows.ts";
import { inTransaction } from "../../../src/context.ts";
import { MustPause } from "../../../src/errors.ts";
import { booksTarget } from "../../../src/targets/books/target.ts";
import type { RowTarget } from "../../../src/targets/target.ts";
import { command, deliverChunk, deliverUndo, deliverWhole } from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import { count } from "../../support/count.ts";
import { importFile, receive } from "../../support/imports.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);
const { write, undo } = booksTarget;

/** The privilege is missing until a test calls this. */
let grant: () => void;
beforeEach(() => {
  let isGranted = false;
  grant = () => {
    isGranted = true;
  };
  const orPause =
    <A extends readonly unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A) => {
      const result = await work(...args);
      if (!isGranted) throw new MustPause("permission denied for table books.");
      return result;
    };
  if (booksTarget.plain) vi.spyOn(booksTarget.plain, "inserts").mockReturnValue([]);
  vi.spyOn(booksTarget, "write").mockImplementation(orPause(write.bind(booksTarget)));
  if (undo) vi.spyOn(booksTarget, "undo").mockImplementation(orPause(undo.bind(booksTarget)));
});
afterEach(() => vi.restoreAllMocks());

const REASON = "Paused by Rowmill: permission denied for table books.";
const results = (batchId: string) =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.row_results WHERE batch_id = $1", [batchId]);

test("a batch of which no row can succeed is paused with the reason, and no row fails", async () => {
  const batchId = await receive(user, csv(5));
  await deliverChunk(rowmill.ctx, batchId);
  const { body: paused } = await user.batch(batchId);
  expect(paused).toMatchObject({ state: "paused", reason: REASON });
  expect(await results(batchId)).toBe(0);
  // Another worker that found out at the same time changes nothing.
  expect(await deliverChunk(rowmill.ctx, batchId)).toBeUndefined();

  grant();
  await command(user, batchId, "resume");
  await deliverChunk(rowmill.ctx, batchId);
  const { body: done } = await user.batch(batchId);
  expect(done).toMatchObject({ state: "completed", reason: null });
});

test("an atomic batch is paused, and starts again from its first row", async () => {
  const { body } = await user.upload(csv(5), "/api/v1/batches?target=books&policy=atomic");
  await deliverWhole(rowmill.ctx, body.id);
  expect((await user.batch(body.id)).body).toMatchObject({ state: "paused", reason: REASON });
  grant();
  await command(user, body.id, "resume");
  await deliverWhole(rowmill.ctx, body.id);
  expect((await user.batch(body.id)).body).toMatchObject({ state: "completed" });
});

test("an undo keeps the records with the reason, and can be repeated", async () => {
  grant();
  const batchId = await importFile(rowmill, user, csv(5));
  vi.restoreAllMocks();
  vi.spyOn(booksTarget, "undo").mockRejectedValue(new MustPause("permission denied for table books."));
  await command(user, batchId, "undo");
  await deliverUndo(rowmill.ctx, batchId);
  const { body: kept } = await user.batch(batchId);
  expect(kept).toMatchObject({ state: "undone", reason: expect.stringContaining("5 failed") });
  vi.restoreAllMocks();
  await command(user, batchId, "undo");
  await deliverUndo(rowmill.ctx, batchId);
  expect((await user.batch(batchId)).body.reason).toContain("5 reverted");
});

test("a row-wise target starts no further row, and keeps the outcomes of the others", async () => {
  const batchId = await receive(user, csv(3));
  const columns = Type.Object({ name: Type.String() });
  const seen: string[] = [];
  const target: RowTarget<typeof columns> = {
    name: "calls",
    description: "Only to hand rows to.",
    columns,
    aliases: {},
    concurrency: 1,
    async handle(_ctx, _batch, { values }) {
      seen.push(values.name);
      if (values.name === "b") throw new MustPause("the password is wrong.");
      return 1;
    },
  };
  const batch = { id: batchId, userId: 1, mode: "insert", header: ["name"], mapping: { name: 0 } } as const;
  const rows = ["a", "b", "c"].map((name, index) => ({ row: index + 2, fields: [name], problem: null }));
  const attempt = { attempt: 1, signal: new AbortController().signal };
  const outcomes = await inTransaction(rowmill.ctx, (tx) =>
    processRows(rowmill.ctx, tx, { batch, target, isDryRun: false }, rows, attempt),
  );
  expect(seen).toEqual(["a", "b"]);
  expect(outcomes.map(({ row }) => row)).toEqual([2]);
  expect((await user.batch(batchId)).body).toMatchObject({
    state: "paused",
    reason: "Paused by Rowmill: the password is wrong.",
  });
});
