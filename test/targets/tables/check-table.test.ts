import { expect, test } from "vitest";
import type { ColumnDefinition } from "../../../src/targets/definition/column.ts";
import type { Definition } from "../../../src/targets/definition/definition.ts";
import { readTargetRole } from "../../../src/targets/tables/access/target-role.ts";
import { checkTableDestination } from "../../../src/targets/tables/check/check-table.ts";
import { proposeDefinition } from "../../../src/targets/tables/propose/propose-definition.ts";
import { readTable } from "../../../src/targets/tables/read/read-table.ts";
import { useShop } from "../../support/use-shop.ts";

const { rowmill, role } = useShop();

const check = (definition: Definition, ctx = rowmill.ctx) => checkTableDestination(ctx, definition);

async function proposed(table: string): Promise<Definition> {
  const facts = await readTable(rowmill.ctx, "shop", table);
  if (!facts) throw new Error(`no table ${table}`);
  return proposeDefinition(facts).definition;
}

const customers = (more: Partial<Definition> = {}, ...columns: ColumnDefinition[]): Definition => ({
  destination: { type: "table", schema: "shop", table: "customers" },
  columns: [
    { name: "external_id", type: "text", required: true },
    { name: "full_name", type: "text", required: true },
    ...columns,
  ],
  ...more,
});

const inTable = (schema: string, table: string): Definition => ({
  destination: { type: "table", schema, table },
  columns: [{ name: "id", type: "integer" }],
});

test.each(["customers", "orders", "events", "notes", "guarded", 'Odd "Name"', "countries"])(
  "what is proposed for %s is accepted",
  async (table) => {
    expect((await check(await proposed(table))).errors).toEqual({});
  },
);

test("a table that TARGET_TABLES does not allow is refused, whether it exists or not", async () => {
  for (const table of ["users", "nothing"]) {
    expect((await check(inTable("crm", table))).errors).toEqual({
      "destination.table": [
        `crm.${table} is not allowed by TARGET_TABLES: it does not contain this table. An operator can add crm.${table} to it.`,
      ],
    });
  }
  const off = { ...rowmill.config, tableTargets: { ...rowmill.config.tableTargets, allowed: [] } };
  const { errors } = await check(inTable("shop", "customers"), { ...rowmill.ctx, config: off });
  expect(errors["destination.table"]?.[0]).toContain("it is not set");
});

test.each([
  "rowmill",
  "rowmill_queue",
  "pgboss",
  "pg_catalog",
  "information_schema",
  "pg_toast",
  "pg_temp_3",
])("the schema %s is refused even if TARGET_TABLES is *.*", async (schema) => {
  const all = { ...rowmill.config.tableTargets, allowed: [{ schema: "*", table: "*" }] };
  const { errors } = await check(inTable(schema, "users"), {
    ...rowmill.ctx,
    config: { ...rowmill.config, tableTargets: all },
  });
  expect(errors["destination.table"]).toEqual([`targets never use tables of the schema ${schema}.`]);
});

test("views, missing tables and tables with rules are refused", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.ruled (id int); CREATE RULE quiet AS ON UPDATE TO shop.ruled DO INSTEAD NOTHING`,
  );
  const texts = await Promise.all(
    ["names", "totals", "nothing", "ruled"].map(
      async (table) => (await check(inTable("shop", table))).errors["destination.table"]?.[0],
    ),
  );
  expect(texts).toEqual([
    "shop.names is a view. Rows are written into tables only.",
    "shop.totals is a materialized view. Rows are written into tables only.",
    "the database has no table shop.nothing.",
    expect.stringContaining("shop.ruled has rules (quiet)"),
  ]);
});

test("columns must exist, be writable and have a type that fits", async () => {
  const { errors } = await check(
    customers(
      {},
      { name: "id", type: "integer" },
      { name: "search_name", type: "text" },
      { name: "Number", to: "nothing", type: "integer" },
      { name: "credit", type: "boolean" },
      { name: "tags", type: "integer" },
      { name: "email", type: "array", items: { type: "text" } },
      { name: "tier", type: "enum", values: [{ value: "gold" }, { value: "iron" }] },
      { name: "scores", type: "array", items: { type: "date" } },
      { name: "avatar", type: "text" },
    ),
  );
  expect(errors).toEqual({
    "columns.2.name": ["PostgreSQL numbers id itself (GENERATED ALWAYS). Remove the column."],
    "columns.3.name": ["PostgreSQL computes search_name. Remove the column."],
    "columns.4.to": ["shop.customers has no column nothing."],
    "columns.5.type": ["is boolean, but credit is numeric(10,2)."],
    "columns.6.type": ["is integer, but tags is text[]. Use array."],
    "columns.7.type": ["is array, but email is text. Use another type."],
    "columns.8.values.1.value": ["is not a value of shop.tier. Its values: gold, silver, bronze."],
    "columns.9.items.type": ["is date, but scores is integer[]."],
  });
});

test("columns that every record needs must be there", async () => {
  const { errors } = await check({ ...customers(), columns: [{ name: "full_name", type: "text" }] });
  expect(errors).toEqual({
    columns: ["must contain external_id: the table needs a value, and has no default."],
  });
  const onlyUpdates = customers({
    mode: { default: "update", allowed: ["update"] },
    key: { columns: ["external_id"] },
  });
  const { errors: none } = await check({
    ...onlyUpdates,
    columns: [
      { name: "external_id", type: "text" },
      { name: "email", type: "text" },
    ],
  });
  expect(none).toEqual({});
});

test("the key must be that of a usable unique index", async () => {
  const keyed = async (...columns: string[]) =>
    (await check(customers({ key: { columns } }, { name: "email", type: "text" }))).errors["key.columns"];
  expect(await keyed("external_id")).toBeUndefined();
  expect(await keyed("email")).toEqual([
    "the unique index customers_email cannot be used, because it covers only the rows with active. Possible keys: id; external_id.",
  ]);
  expect(await keyed("full_name", "external_id")).toEqual([
    "no unique constraint or index of shop.customers has exactly these columns. Possible keys: id; external_id.",
  ]);
  const events = { ...(await proposed("events")), key: { columns: ["id"] } };
  expect((await check(events)).errors["key.columns"]?.[0]).toContain("Possible keys: id and at.");
});

test("undo needs a key, and the privilege to delete", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.heap (id int); GRANT SELECT, INSERT ON shop.heap TO ${role}`,
  );
  const heap = inTable("shop", "heap");
  expect((await check({ ...heap, undo: "record_before_image" })).errors).toHaveProperty("undo");
  expect(await check(heap)).toEqual({
    errors: {},
    notes: ["Batches cannot be undone, because neither the target nor the table has a key."],
  });
  // A primary key is enough.
  expect((await check(customers({ undo: "record_before_image" }))).errors).toEqual({});
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.grow (id int PRIMARY KEY); GRANT SELECT, INSERT ON shop.grow TO ${role}`,
  );
  const { errors } = await check({ ...inTable("shop", "grow"), key: { columns: ["id"] } });
  expect(errors["destination.table"]).toEqual([
    `the role may not use it. As its owner, run: GRANT DELETE ON shop.grow TO ${role}; Undo needs DELETE; or set \`undo\` to "none".`,
  ]);
});

test("errors list the grants that are missing, also for the sequence of a default", async () => {
  await rowmill.ctx.pool.query(`CREATE SCHEMA "Crm"; CREATE TABLE "Crm".leads (id serial PRIMARY KEY)`);
  const tableTargets = { ...rowmill.config.tableTargets, allowed: [{ schema: "Crm", table: "*" }] };
  const ctx = { ...rowmill.ctx, config: { ...rowmill.config, tableTargets } };
  const { errors } = await check({ ...inTable("Crm", "leads"), undo: "none" }, ctx);
  expect(errors["destination.table"]?.[0]).toBe(
    `the role may not use it. As its owner, run: GRANT USAGE ON SCHEMA "Crm" TO ${role}; GRANT SELECT, INSERT ON "Crm".leads TO ${role}; GRANT USAGE ON SEQUENCE "Crm".leads_id_seq TO ${role};`,
  );
});

test("the columns that updates write must be updatable", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.fixed (id int PRIMARY KEY, a text, b text); GRANT SELECT, INSERT, DELETE, UPDATE (a) ON shop.fixed TO ${role}`,
  );
  const definition: Definition = {
    ...inTable("shop", "fixed"),
    key: { columns: ["id"] },
    mode: { default: "upsert", allowed: ["upsert"] },
    columns: [
      { name: "id", type: "integer", required: true },
      { name: "a", type: "text" },
      { name: "b", type: "text" },
    ],
  };
  expect((await check(definition)).errors).toEqual({
    "columns.2.name": ["the role may not update b. Grant UPDATE (b), or set `on_update` to never."],
  });
  expect((await check({ ...definition, update: { columns: ["a"] } })).errors).toEqual({});
});

test("look-ups follow the same rules as the table", async () => {
  const looking = (lookup: NonNullable<ColumnDefinition["lookup"]>) =>
    check(customers({}, { name: "country", to: "country_id", type: "lookup", lookup })).then(
      ({ errors }) => errors,
    );
  const countries = { schema: "shop", table: "countries", match: ["iso2"], value: "id" };
  expect(await looking(countries)).toEqual({});
  expect(await looking({ ...countries, schema: "rowmill", table: "users" })).toEqual({
    "columns.2.lookup.table": ["targets never use tables of the schema rowmill."],
  });
  expect(await looking({ ...countries, table: "names" })).toHaveProperty(["columns.2.lookup.table"]);
  expect(await looking({ ...countries, match: ["iso2", "id"] })).toEqual({
    "columns.2.lookup.match.1": ["id is integer. Cells are compared with columns of text only."],
  });
  expect(await looking({ ...countries, value: "code" })).toEqual({
    "columns.2.lookup.value": ["shop.countries has no column code."],
  });
  expect(await looking({ ...countries, value: "name" })).toEqual({
    "columns.2.lookup.value": ["name is text, but country_id is integer."],
  });
});

test("strangers that own the table of a look-up are refused as well", async () => {
  const mallory = `mallory_${role}`;
  await rowmill.ctx.pool.query(`CREATE ROLE ${mallory}; ALTER TABLE shop.countries OWNER TO ${mallory}`);
  try {
    const { errors } = await check(await proposed("customers"));
    expect(errors["destination.table"]).toEqual([
      expect.stringContaining(`${mallory} owns the table shop.countries.`),
    ]);
  } finally {
    await rowmill.ctx.pool.query(`ALTER TABLE shop.countries OWNER TO CURRENT_USER; DROP ROLE ${mallory}`);
  }
});

test("types of casts must exist, and never become SQL", async () => {
  const { errors } = await check(
    customers(
      {},
      { name: "credit", type: "text", database_type: "numeric(10,2)" },
      { name: "tier", type: "text", database_type: "shop.tier" },
      { name: "scores", type: "text", database_type: "int4[]" },
      { name: "email", type: "text", database_type: "int4); DROP TABLE shop.orders" },
      { name: "phone", type: "text", database_type: "nothing" },
    ),
  );
  expect(Object.keys(errors)).toEqual(["columns.5.database_type", "columns.6.database_type"]);
});

test("the error for a role that Rowmill may not use has the statements to run", async () => {
  const tableTargets = { ...rowmill.config.tableTargets, role: "rowmill_nobody" };
  const { errors } = await check(customers(), {
    ...rowmill.ctx,
    config: { ...rowmill.config, tableTargets },
  });
  expect(errors["destination.table"]?.[0]).toMatch(
    /^Rowmill may not use the role of TARGET_ROLE\. As an administrator of the database, run: CREATE ROLE rowmill_nobody NOLOGIN; GRANT rowmill_nobody TO \w+/,
  );
});

test("the role of an embedded database beside this one does not count", async () => {
  const { pool } = rowmill.ctx;
  await pool.query(
    "DO $$ BEGIN CREATE ROLE rowmill_app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
  );
  expect((await readTargetRole(rowmill.ctx)).canSet).toBe(true);
});
