/** Undo of batches that wrote into tables. */
import { describe, expect, test } from "vitest";
import { deliverChunk, deliverUndo } from "../../support/batches.ts";
import { importFile } from "../../support/imports.ts";
import { customers, MODES, useStore } from "../../support/store.ts";

const { rowmill, user, query, define } = useStore();

type Mode = "insert" | "upsert" | "update" | "skip_existing";
const importInto = (target: string, csv: string, mode: Mode = "upsert") =>
  importFile(rowmill, user, csv, mode, { target });

async function undo(batch: string) {
  const { status } = await user.post(`/api/v1/batches/${batch}/undo`);
  expect(status).toBe(200);
  await deliverUndo(rowmill.ctx, batch);
  const rows = await user.rows(batch);
  return Object.fromEntries(rows.map(({ row, undo: result }) => [row, result?.outcome ?? null]));
}

const all = (prefix: string) =>
  query<Record<string, unknown>>(
    "SELECT external_id, full_name, credit, tags, settings, tier FROM store.customers WHERE external_id LIKE $1 ORDER BY 1",
    [`${prefix}%`],
  );

const TYPED = customers({
  columns: [
    { name: "external_id", type: "text", required: true },
    { name: "full_name", type: "text" },
    { name: "credit", type: "decimal" },
    { name: "tags", type: "array", items: { type: "text" }, separator: "|" },
    { name: "settings", type: "json" },
    { name: "tier", type: "enum", values: [{ value: "gold" }, { value: "silver" }] },
  ],
});

describe("undo", () => {
  test("created records go, and updated ones are as before in every type", async () => {
    const target = await define(TYPED);
    await query(
      `INSERT INTO store.customers (external_id, full_name, credit, tags, settings, tier)
      VALUES ('A1', 'old', 12345678.90, '{"a b",c}', '{"n": 12345678901234567890.5}', 'gold'), ('A2', NULL, NULL, NULL, NULL, 'gold')`,
    );
    const before = await all("A");
    const csv =
      'external_id,full_name,credit,tags,settings,tier\nA1,new,1,x|y,"{""n"": 1}",silver\nA2,new,1,x,1,silver\nA3,new,2,,,gold\n';
    const batch = await importInto(target, csv);
    expect(await all("A")).toMatchObject([{ full_name: "new", tags: ["x", "y"] }, {}, {}]);
    expect(await undo(batch)).toEqual({ 2: "reversed", 3: "reversed", 4: "reversed" });
    expect(await all("A")).toEqual(before);
  });

  test("records that were changed or deleted later stay, whatever changed in other columns", async () => {
    const target = await define(customers());
    const batch = await importInto(target, "external_id,full_name\nB1,a\nB2,b\nB3,c\nB4,d\n");
    await query("UPDATE store.customers SET full_name = 'changed' WHERE external_id = 'B1'");
    await query("UPDATE store.customers SET note = 'not in the target' WHERE external_id = 'B2'");
    await query("DELETE FROM store.customers WHERE external_id = 'B3'");
    expect(await undo(batch)).toEqual({ 2: "kept", 3: "reversed", 4: "kept", 5: "reversed" });
    expect(await all("B")).toMatchObject([{ external_id: "B1", full_name: "changed" }]);
  });

  test("several rows of a file on one record are undone in order", async () => {
    const target = await define(customers());
    await query("INSERT INTO store.customers (external_id, full_name) VALUES ('C1', 'original')");
    const others = (from: number) =>
      Array.from({ length: 24 }, (_, index) => `C-${from + index},x`).join("\n");
    const csv = `external_id,full_name\nC1,first\n${others(100)}\nC1,second\n${others(200)}\nC1,third\n${others(300)}\n`;
    const batch = await importInto(target, csv);
    expect(await all("C1")).toMatchObject([{ full_name: "third" }]);
    const outcomes = await undo(batch);
    expect([outcomes[2], outcomes[27], outcomes[52]]).toEqual(["reversed", "reversed", "reversed"]);
    expect(await all("C")).toMatchObject([{ full_name: "original" }]);
  });

  test("a record that others refer to stays, and the reason names them", async () => {
    const target = await define(customers());
    const batch = await importInto(target, "external_id\nD1\nD2\nD3\n");
    await query("INSERT INTO store.orders SELECT 1, id FROM store.customers WHERE external_id = 'D2'");
    expect(await undo(batch)).toEqual({ 2: "reversed", 3: "failed", 4: "reversed" });
    const [row] = (await user.rows(batch)).filter(({ undo: result }) => result?.outcome === "failed");
    expect(row?.undo?.reason).toContain("store.orders");
  });

  test("two batches on one record are undone in the order of their writes", async () => {
    const target = await define(customers());
    const first = await importInto(target, "external_id,full_name\nE1,a\n");
    const second = await importInto(target, "external_id,full_name\nE1,b\n");
    expect(await undo(first)).toEqual({ 2: "kept" });
    expect(await undo(second)).toEqual({ 2: "reversed" });
    expect(await all("E")).toMatchObject([{ full_name: "a" }]);
  });

  test("a target without undo stores no records and refuses it", async () => {
    const target = await define(customers({ undo: "none" }));
    await query("INSERT INTO store.customers (external_id, full_name) VALUES ('F1', 'a')");
    const batch = await importInto(target, "external_id,full_name\nF1,b\n");
    const stored = await query("SELECT before FROM rowmill.row_results WHERE batch_id = $1", [batch]);
    expect(stored).toEqual([{ before: null }]);
    const { status } = await user.post(`/api/v1/batches/${batch}/undo`);
    expect(status).toBe(409);
  });

  test("a record whose key the table makes is found by its primary key", async () => {
    const { key: _, mode: __, ...keyless } = customers();
    const target = await define(keyless);
    const batch = await importInto(target, "external_id,full_name\nG1,a\n", "insert");
    const [row] = await user.rows(batch);
    const [record] = await query<{ id: string }>("SELECT id FROM store.customers WHERE external_id = 'G1'");
    expect(row).toMatchObject({ record_id: null, record_key: { id: record?.id } });
    expect(await undo(batch)).toEqual({ 2: "reversed" });
    expect(await all("G")).toEqual([]);
  });

  test("a trigger that changes values does not prevent undo", async () => {
    const target = await define({
      table: "guarded",
      key: { columns: ["id"] },
      mode: { ...MODES, allowed: [...MODES.allowed] },
      columns: [
        { name: "id", type: "integer", required: true },
        { name: "name", type: "text", trim: false },
      ],
    });
    await query("INSERT INTO store.guarded VALUES (1, 'old')");
    const batch = await importInto(target, "id,name\n1,  new \n2, two \n");
    expect(await query("SELECT name FROM store.guarded ORDER BY id")).toEqual([
      { name: "new" },
      { name: "two" },
    ]);
    expect(await undo(batch)).toEqual({ 2: "reversed", 3: "reversed" });
    expect(await query("SELECT id, name FROM store.guarded")).toEqual([{ id: 1, name: "old" }]);
  });
});

test("result files have the key of a record in place of its id, and can be uploaded again", async () => {
  const target = await define(customers());
  const batch = await importInto(target, "external_id,full_name\nH1,a\nH2,broken\n");
  const { body: csv } = await user.get<string>(`/api/v1/batches/${batch}/results/all.csv`);
  expect(csv).toContain('H1,a,2,success,,,"{""external_id"":""H1""}"\n');
  const { body: json } = await user.get<object[]>(`/api/v1/batches/${batch}/results/all.json`);
  expect(json).toMatchObject([{ _id: { external_id: "H1" } }, { _id: null }]);
  const again = await importInto(target, csv);
  expect(await all("H")).toHaveLength(1);
  expect((await user.rows(again)).map(({ status }) => status)).toEqual(["success", "failed"]);
});

test("records whose former values do not fit into memory are updated by further attempts", async () => {
  const target = await define(customers());
  await query(
    "INSERT INTO store.customers (external_id, full_name) SELECT 'I' || n, repeat('x', 40000000) FROM generate_series(1, 3) AS n",
  );
  const batch = await importInto(target, "external_id,full_name\nI1,a\nI2,b\nI3,c\n");
  const before = await user.rows(batch);
  expect(before.map(({ status }) => status).toSorted()).toEqual(["pending", "success", "success"]);
  await deliverChunk(rowmill.ctx, batch);
  expect((await user.batch(batch)).body).toMatchObject({ state: "completed", records: { updated: 3 } });
});
