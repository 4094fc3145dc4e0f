/** The modes of targets that write into tables, with chunks in any order. */
import { describe, expect, test } from "vitest";
import { deliverChunk } from "../../support/batches.ts";
import { importFile, receive } from "../../support/imports.ts";
import { customers, MODES, resultsOf, useStore } from "../../support/store.ts";

const { rowmill, user, query, define } = useStore();

type Mode = "insert" | "upsert" | "update" | "skip_existing";
const importInto = (target: string, csv: string, mode: Mode) =>
  importFile(rowmill, user, csv, mode, { target });

const named = (id: string) =>
  query(`SELECT full_name, email, note FROM store.customers WHERE external_id = $1`, [id]);

/** Three chunks of 25 rows; the rows in `lines` replace others. */
function longFile(prefix: string, lines: Record<number, string>): string {
  const rows = Array.from(
    { length: 75 },
    (_, index) => lines[index + 2] ?? `${prefix}${index + 2},Name ${index + 2}`,
  );
  return `external_id,full_name\n${rows.join("\n")}\n`;
}

async function inOrder(target: string, csv: string, mode: Mode, order: readonly number[]) {
  const batch = await receive(user, csv, mode, target);
  for (const firstRow of order) await deliverChunk(rowmill.ctx, batch, firstRow);
  return batch;
}

const pick = (results: Record<number, unknown>, rows: readonly number[]) => rows.map((row) => results[row]);

const ORDERS = [
  [2, 27, 52],
  [52, 27, 2],
  [27, 2, 52],
  [27, 52, 2],
];

describe.for(ORDERS)("with chunks in the order %s, %s, %s", (order) => {
  const prefix = `O${order.join("")}`.slice(0, 6);

  test("insert creates the record from the first row of the file", async () => {
    const target = await define(customers());
    const id = `${prefix}i`;
    const csv = longFile(`${prefix}-`, {
      3: `${id},first`,
      28: `${id},second`,
      53: `${id},third`,
      54: `${id},4th`,
    });
    const batch = await inOrder(target, csv, "insert", order);
    expect(await named(id)).toMatchObject([{ full_name: "first" }]);
    const results = await resultsOf(user, batch);
    expect(pick(results, [3, 28, 53, 54])).toEqual(["created", "duplicate", "duplicate", "duplicate"]);
    expect((await user.batch(batch)).body).toMatchObject({
      counts: { success: 72, failed: 3 },
      records: { created: 72, updated: 0, unchanged: 0 },
    });
  });

  test("skip_existing creates the record from the first row of the file", async () => {
    const target = await define(customers());
    const id = `${prefix}s`;
    const csv = longFile(`${prefix}=`, {
      3: `${id},first`,
      28: `${id},second`,
      53: `${id},third`,
      54: `${id},4th`,
    });
    const batch = await inOrder(target, csv, "skip_existing", order);
    expect(await named(id)).toMatchObject([{ full_name: "first" }]);
    const results = await resultsOf(user, batch);
    expect(pick(results, [3, 28, 53, 54])).toEqual(["created", "unchanged", "unchanged", "unchanged"]);
  });

  test("upsert leaves the record as the last row of the file", async () => {
    const target = await define(customers());
    const id = `${prefix}u`;
    const csv = longFile(`${prefix}+`, {
      3: `${id},first`,
      28: `${id},second`,
      53: `${id},third`,
      54: `${id},last`,
    });
    const batch = await inOrder(target, csv, "upsert", order);
    expect(await named(id)).toMatchObject([{ full_name: "last" }]);
    const { body } = await user.batch(batch);
    expect(body.counts).toMatchObject({ success: 75, failed: 0 });
    expect(body.records.created).toBe(72);
  });
});

test.for([
  ["stays if its chunk was processed before", [2, 27, 52], 53, "early@keep.test"],
  ["is lost if its chunk is processed later", [52, 27, 2], 53, null],
  ["is lost if it is in the same chunk", [2, 27, 52], 4, null],
] as const)(
  "upsert: an earlier value of a column that the last row leaves unchanged %s",
  async ([_, order, lastRow, email]) => {
    const target = await define(customers());
    const id = `K${order[0]}-${lastRow}`;
    const lines = { 3: `${id},early,early@keep.test`, [lastRow]: `${id},last,` };
    const rows = longFile(`${id}-`, lines).trimEnd().split("\n").slice(1);
    const full = rows.map((row) => (row.split(",").length === 2 ? `${row},` : row));
    await inOrder(target, ["external_id,full_name,email", ...full].join("\n"), "upsert", order);
    expect(await named(id)).toMatchObject([{ full_name: "last", email }]);
  },
);

test("an earlier row does not take a record that was changed in the meantime", async () => {
  const target = await define(customers());
  const batch = await receive(user, longFile("P-", { 3: "P1,first", 53: "P1,late" }), "insert", target);
  await deliverChunk(rowmill.ctx, batch, 52);
  await query("UPDATE store.customers SET full_name = 'by hand' WHERE external_id = 'P1'");
  await deliverChunk(rowmill.ctx, batch, 2);
  expect(await named("P1")).toMatchObject([{ full_name: "by hand" }]);
  expect(pick(await resultsOf(user, batch), [3, 53])).toEqual(["duplicate", "created"]);
});

test("update changes only existing records and says which rows have none", async () => {
  const target = await define(customers());
  await query("INSERT INTO store.customers (external_id, full_name, note) VALUES ('U1', 'old', 'kept')");
  const batch = await importInto(target, "external_id,full_name\nU1,new\nU2,none\nU2,none\n", "update");
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated", 3: "not_found", 4: "not_found" });
  expect(await named("U1")).toMatchObject([{ full_name: "new", note: "kept" }]);
  expect(await named("U2")).toEqual([]);
});

test("rows with existing keys are recognized whatever is wrong with other rows of their slice", async () => {
  const columns = [
    { name: "id", type: "integer" as const, required: true },
    { name: "name", type: "text" as const },
  ];
  const target = await define({ table: "guarded", columns, key: { columns: ["id"] }, mode: MODES });
  await query("INSERT INTO store.guarded VALUES (5, 'old')");
  const csv = "id,name\n1,refuse\n5,new\n5,refuse\n6,swallow\n7,new\n";
  const skipped = await importInto(target, csv, "skip_existing");
  expect(await resultsOf(user, skipped)).toEqual({
    ...{ 2: "refused_by_trigger", 3: "unchanged", 4: "unchanged" },
    ...{ 5: "skipped_by_trigger", 6: "created" },
  });
  const inserted = await importInto(target, csv.replace("7,", "8,"), "insert");
  const rows = await user.rows(inserted, "failed");
  expect(rows.map(({ error_message }) => error_message)).toEqual([
    "No such name.",
    'A record with id "5" already exists.',
    'A record with id "5" already exists.',
    "A trigger of store.guarded skipped this row, so nothing was written.",
  ]);
});

test("a row that fails leaves its key to the next row with it", async () => {
  const target = await define(customers());
  const csv = "external_id,full_name\nF1,broken\nF1,good\nF1,late\n";
  const inserted = await importInto(target, csv, "insert");
  expect(await resultsOf(user, inserted)).toEqual({ 2: "rule_broken", 3: "created", 4: "duplicate" });
  const updated = await importInto(target, "external_id,full_name\nF1,fine\nF1,broken\n", "upsert");
  expect(await resultsOf(user, updated)).toEqual({ 2: "updated", 3: "rule_broken" });
  expect(await named("F1")).toMatchObject([{ full_name: "fine" }]);
});

test("updates write only the columns that the definition lists, and never those with on_update never", async () => {
  const columns = customers().columns.map((column) =>
    column.name === "email" ? { ...column, on_update: "never" as const } : column,
  );
  const target = await define(
    customers({ columns, update: { columns: ["full_name", "credit"], only_if_changed: false } }),
  );
  await query(
    "INSERT INTO store.customers (external_id, full_name, email, tier) VALUES ('L1', 'same', 'l@x', 'gold')",
  );
  const batch = await importInto(
    target,
    "external_id,full_name,email,tier\nL1,same,other@x,silver\n",
    "upsert",
  );
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated" });
  expect(await query("SELECT full_name, email, tier FROM store.customers WHERE external_id = 'L1'")).toEqual([
    { full_name: "same", email: "l@x", tier: "gold" },
  ]);
});

test("empty cells keep, clear or reset a value, and new records get the default of the target", async () => {
  const columns = [
    { name: "external_id", type: "text" as const, required: true },
    { name: "full_name", type: "text" as const, empty_cell: "keep" as const },
    { name: "note", type: "text" as const, empty_cell: "null" as const },
    { name: "tier", type: "text" as const, empty_cell: "default" as const, default: "gold" },
    { name: "credit", type: "decimal" as const, empty_cell: "keep" as const },
  ];
  const target = await define(customers({ columns }));
  await query(
    "INSERT INTO store.customers (external_id, full_name, note, tier, credit) VALUES ('E1', 'Ada', 'n', 'silver', 1), ('E2', 'Bob', 'n', 'silver', 1)",
  );
  const csv = "external_id,full_name,note,tier,credit\nE1,,,,\nE2,Bert,m,silver,2\nE3,,,,\nE4,Dora,,,7\n";
  const batch = await importInto(target, csv, "upsert");
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated", 3: "updated", 4: "created", 5: "created" });
  const rows = await query(
    "SELECT external_id, full_name, note, tier, credit FROM store.customers WHERE external_id LIKE 'E_' ORDER BY 1",
  );
  expect(rows.map(Object.values)).toEqual([
    ["E1", "Ada", null, "gold", "1.00"],
    ["E2", "Bert", "m", "silver", "2.00"],
    ["E3", null, null, "gold", "5.00"],
    ["E4", "Dora", null, "gold", "7.00"],
  ]);
});

test("the database decides which keys are equal", async () => {
  const target = await define({
    table: "prices",
    key: { columns: ["code"] },
    mode: { ...MODES, allowed: [...MODES.allowed] },
    columns: [
      { name: "code", type: "decimal", required: true },
      { name: "price", type: "decimal" },
    ],
  });
  const upserted = await importInto(target, "code,price\n1.0,1\n2,5\n1,2\n", "upsert");
  expect(await resultsOf(user, upserted)).toEqual({ 2: "unchanged", 3: "created", 4: "created" });
  const inserted = await importInto(target, "code,price\n1.00,9\n3.0,1\n3,2\n", "insert");
  expect(await resultsOf(user, inserted)).toEqual({ 2: "duplicate", 3: "created", 4: "duplicate" });
  expect(await query("SELECT code::float, price::float FROM store.prices ORDER BY 1")).toEqual([
    { code: 1, price: 2 },
    { code: 2, price: 5 },
    { code: 3, price: 1 },
  ]);
});

test("an update needs only the columns of the key, and writes only those that the file has", async () => {
  const columns = customers().columns.map((column) =>
    column.name === "full_name" ? { ...column, required: true } : column,
  );
  const target = await define(customers({ columns }));
  await query("INSERT INTO store.customers (external_id, full_name, credit) VALUES ('PU1', 'Ada', 1)");
  const batch = await importFile(rowmill, user, "external_id,credit\nPU1,2\n", "update", { target });
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated" });
  expect(await query("SELECT full_name, credit FROM store.customers WHERE external_id = 'PU1'")).toEqual([
    { full_name: "Ada", credit: "2.00" },
  ]);
  await expect(
    importFile(rowmill, user, "external_id,credit\nPU1,2\n", "upsert", { target }),
  ).rejects.toThrow(/has no column \\"full_name/);
});

test("a rule holds for a record that an upsert creates, and an existing record may have the value already", async () => {
  const rules = [
    { name: "gold_needs_email", if: { tier: "gold" }, require: ["email"], message: "gold needs an email" },
  ];
  const target = await define(customers({ rules }));
  await query("INSERT INTO store.customers (external_id, email) VALUES ('R1', 'r1@x')");
  const csv = "external_id,tier,email\nR1,gold,\nR2,gold,\nR3,gold,r3@x\n";
  const batch = await importFile(rowmill, user, csv, "upsert", { target });
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated", 3: "gold_needs_email", 4: "created" });
});
