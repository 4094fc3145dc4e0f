/** Tables with triggers, policies, partitions, deferred constraints, look-ups, and columns that are unique in a file. */
import { describe, expect, test } from "vitest";
import { removeBatch } from "../../../src/batches/upkeep/remove-batch.ts";
import { deliverChunk, deliverUndo, deliverWhole } from "../../support/batches.ts";
import { effects, importFile, receive } from "../../support/imports.ts";
import { COUNTRY, customers, MODES, resultsOf, useStore } from "../../support/store.ts";

const { rowmill, user, query, define } = useStore();

type Mode = "insert" | "upsert" | "update" | "skip_existing";
const importInto = (target: string, csv: string, mode: Mode = "insert") =>
  importFile(rowmill, user, csv, mode, { target });

const modes = { ...MODES, allowed: [...MODES.allowed] };
const failures = async (batch: string) =>
  (await user.rows(batch, "failed")).map(({ row, errors }) => [
    row,
    errors[0]?.column,
    errors[0]?.code,
    errors[0]?.message,
  ]);

describe("a table with a trigger", () => {
  const guarded = () =>
    define({
      table: "guarded",
      key: { columns: ["id"] },
      mode: modes,
      columns: [
        { name: "id", type: "integer", required: true },
        { name: "name", type: "text" },
      ],
    });

  test.each(["insert", "upsert"] as const)("%s never counts a skipped row as a success", async (mode) => {
    await query("TRUNCATE store.guarded");
    const target = await guarded();
    const batch = await importInto(target, "id,name\n1,good\n2,swallow\n3,refuse\n4,fine\n", mode);
    expect(await effects(rowmill, batch)).toEqual({
      2: "created",
      3: "skipped_by_trigger",
      4: "refused_by_trigger",
      5: "created",
    });
    expect(await query("SELECT id FROM store.guarded ORDER BY id")).toEqual([{ id: 1 }, { id: 4 }]);
    const again = await importInto(target, "id,name\n1,swallow\n4,fine\n", "upsert");
    expect(await effects(rowmill, again)).toEqual({ 2: "skipped_by_trigger", 3: "unchanged" });
  });
});

test("a row that a policy refuses fails on its own", async () => {
  const target = await define({
    table: "tenants",
    key: { columns: ["id"] },
    mode: modes,
    columns: [
      { name: "id", type: "integer", required: true },
      { name: "tenant", type: "text" },
    ],
  });
  await query("INSERT INTO store.tenants VALUES (9, 'b')");
  const batch = await importInto(target, "id,tenant\n1,a\n2,b\n3,a\n9,a\n", "upsert");
  expect(await effects(rowmill, batch)).toEqual({
    2: "created",
    3: "forbidden_by_policy",
    4: "created",
    5: "duplicate",
  });
});

test("records move between partitions, and undo finds them by their whole key", async () => {
  const target = await define({
    table: "events",
    key: { columns: ["id", "at"] },
    mode: modes,
    columns: [
      { name: "id", type: "integer", required: true },
      { name: "at", type: "date", required: true },
      { name: "kind", type: "text" },
    ],
  });
  await query("INSERT INTO store.events VALUES (1, '2026-05-01', 'old')");
  const batch = await importInto(
    target,
    "id,at,kind\n1,2026-05-01,new\n1,2027-05-01,new\n1,2031-01-01,none\n",
    "upsert",
  );
  expect(await effects(rowmill, batch)).toEqual({ 2: "updated", 3: "created", 4: "no_partition" });
  await user.post(`/api/v1/batches/${batch}/undo`);
  await deliverUndo(rowmill.ctx, batch);
  expect(await query("SELECT id, at::text, kind FROM store.events")).toEqual([
    { id: 1, at: "2026-05-01", kind: "old" },
  ]);
});

test("a deferred constraint and a foreign key fail their row and not the chunk", async () => {
  const target = await define({
    table: "orders",
    key: { columns: ["id"] },
    mode: modes,
    columns: [
      { name: "id", type: "integer", required: true },
      { name: "customer", to: "customer_id", type: "integer" },
      { name: "reference", type: "text" },
    ],
  });
  const [customer] = await query<{ id: string }>(
    "INSERT INTO store.customers (external_id) VALUES ('O1') RETURNING id",
  );
  const id = customer?.id;
  const csv = `id,customer,reference\n1,${id},a\n2,${id},a\n3,0,b\n4,${id},c\n5,,d\n`;
  const batch = await importInto(target, csv);
  expect(await failures(batch)).toMatchObject([
    [3, "reference", "duplicate", expect.stringContaining('"a"')],
    [4, "customer", "missing_reference", expect.stringContaining("store.customers")],
    [6, "customer", "required", expect.any(String)],
  ]);
});

describe("look-ups", () => {
  test("a cell is compared with each column in turn, and failures name the column and the value", async () => {
    const target = await define(customers());
    const csv = "external_id,country\nL1,fr\nL2,GERMANY\nL3,ge\nL4,Georgia\nL5,Atlantis\nL6,\n";
    const batch = await importInto(target, csv);
    expect(await failures(batch)).toMatchObject([
      [5, "country", "lookup_ambiguous", expect.stringContaining('"Georgia"')],
      [6, "country", "lookup_missing", expect.stringContaining('"Atlantis"')],
    ]);
    expect(
      await query(
        "SELECT external_id, country_id AS id FROM store.customers WHERE external_id LIKE 'L_' ORDER BY 1",
      ),
    ).toEqual([
      { external_id: "L1", id: 2 },
      { external_id: "L2", id: 1 },
      { external_id: "L3", id: 3 },
      { external_id: "L6", id: null },
    ]);
  });

  test("missing and ambiguous cells become null or the smallest value if the target says so", async () => {
    const lookup = { ...COUNTRY, on_missing: "null", on_many: "first", ignore_case: false } as const;
    const columns = [
      ...customers().columns.slice(0, 1),
      { name: "country", to: "country_id", type: "lookup" as const, lookup },
    ];
    const target = await define(customers({ columns }));
    const batch = await importInto(target, "external_id,country\nM1,Georgia\nM2,Atlantis\nM3,fr\n");
    expect(await resultsOf(user, batch)).toEqual({ 2: "created", 3: "created", 4: "created" });
    const found = await query(
      "SELECT country_id AS id FROM store.customers WHERE external_id LIKE 'M_' ORDER BY external_id",
    );
    expect(found).toEqual([{ id: 3 }, { id: null }, { id: null }]);
  });

  test("a new record gets the default of a look-up column in upsert as well", async () => {
    const columns = customers().columns.map((column) =>
      column.name === "country" ? { ...column, default: "France" } : column,
    );
    const target = await define(customers({ columns }));
    await importInto(target, "external_id\nN1\n", "upsert");
    expect(await query("SELECT country_id AS id FROM store.customers WHERE external_id = 'N1'")).toEqual([
      { id: 2 },
    ]);
  });
});

describe("a column that is unique in the file", () => {
  const columns = customers().columns.map((column) =>
    column.name === "full_name" ? { ...column, unique: { in_file: true, ignore_case: true } } : column,
  );

  test("a later row with the same value fails and names the first one; empty cells are never the same", async () => {
    const target = await define(customers({ columns }));
    const batch = await importInto(target, "external_id,full_name\nQ1,Ada\nQ2,ADA\nQ3,\nQ4,\nQ5,Bob\n");
    expect(await failures(batch)).toMatchObject([
      [3, "full_name", "not_unique", expect.stringContaining("row 2")],
    ]);
  });

  test("a row that fails gives its value to the next row", async () => {
    const target = await define(customers({ columns }));
    const csv = "external_id,full_name,country\nR1,Eve,Atlantis\nR2,Cid,\nR2,Dan,\nR3,Dan,\n";
    const batch = await importInto(target, `${csv}R4,broken,\nR5,Broken,\n`);
    expect(await effects(rowmill, batch)).toEqual({
      2: "lookup_missing",
      3: "created",
      4: "duplicate",
      5: "created",
      6: "rule_broken",
      7: "created",
    });
  });

  test("rows of other chunks count, values of retried rows are claimed again, and removal forgets them", async () => {
    const target = await define(customers({ columns }));
    const filler = Array.from({ length: 25 }, (_, index) => `S-${index},Name ${index}`).join("\n");
    const batch = await importInto(target, `external_id,full_name\nS1,Zoe\n${filler}\nS2,zoe\nS3,broken\n`);
    expect(await failures(batch)).toMatchObject([
      [28, "full_name", "not_unique", expect.any(String)],
      [29, "full_name", "rule_broken", expect.any(String)],
    ]);
    await user.patch(`/api/v1/batches/${batch}/rows/29`, { fields: { full_name: "Zoe" } });
    await user.patch(`/api/v1/batches/${batch}/rows/28`, { fields: { full_name: "Yan" } });
    await user.post(`/api/v1/batches/${batch}/retry`);
    await deliverChunk(rowmill.ctx, batch, 27);
    expect(await failures(batch)).toMatchObject([[29, "full_name", "not_unique", expect.any(String)]]);
    const count = () =>
      query("SELECT count(*)::int AS n FROM rowmill.row_values WHERE batch_id = $1", [batch]);
    expect(await count()).toEqual([{ n: 27 }]);
    await removeBatch(rowmill.ctx, batch);
    expect(await count()).toEqual([{ n: 0 }]);
  });

  test("a dry run and an atomic batch that fails keep no value", async () => {
    const target = await define(customers({ columns }));
    const csv = "external_id,full_name\nT1,Ulf\nT2,ulf\n";
    for (const option of ["policy=atomic", "dry_run=true"]) {
      const { body } = await user.upload(csv, `/api/v1/batches?target=${target}&${option}`);
      await deliverWhole(rowmill.ctx, body.id);
      expect(await effects(rowmill, body.id)).toMatchObject({ 3: "not_unique" });
      expect(await query("SELECT FROM rowmill.row_values WHERE batch_id = $1", [body.id])).toEqual([]);
    }
    expect(await query("SELECT FROM store.customers WHERE external_id LIKE 'T_'")).toEqual([]);
  });
});

test("a table that lost a column pauses the batch instead of failing every row", async () => {
  await query("CREATE TABLE store.passing (id int PRIMARY KEY, gone text)");
  await query(`GRANT ALL ON store.passing TO ${rowmill.config.tableTargets.role}`);
  const target = await define({
    table: "passing",
    columns: [
      { name: "id", type: "integer" },
      { name: "gone", type: "text" },
    ],
  });
  const batch = await receive(user, "id,gone\n1,a\n2,b\n", "insert", target);
  await query("ALTER TABLE store.passing DROP COLUMN gone");
  await deliverChunk(rowmill.ctx, batch).catch(() => {});
  const { body } = await user.batch(batch);
  expect([body.state, body.counts.failed]).toEqual(["paused", 0]);
});
