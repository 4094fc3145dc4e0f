import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { readTable } from "../../../src/targets/tables/read/read-table.ts";
import { useShop } from "../../support/use-shop.ts";

const { rowmill, role } = useShop();

const read = async (table: string, ctx = rowmill.ctx) => {
  const facts = await readTable(ctx, "shop", table);
  if (!facts) throw new Error(`no table ${table}`);
  const column = (name: string) => facts.columns.find((each) => each.name === name);
  return { ...facts, column };
};

test("the columns of a table have their types, sizes, defaults and privileges", async () => {
  const { column, comment, kind } = await read("customers");
  expect([kind, comment]).toEqual(["table", "People who buy."]);
  expect(column("id")).toMatchObject({ category: "integer", identity: "always", hasDefault: true });
  expect(column("external_id")).toMatchObject({
    type: "character varying(40)",
    maxLength: 40,
    isNotNull: true,
  });
  expect(column("credit")).toMatchObject({ category: "decimal", precision: 10, scale: 2, default: "0" });
  expect(column("discount")).toMatchObject({ category: "decimal", precision: null, scale: null });
  expect(column("tier")).toMatchObject({ type: "shop.tier", enumValues: ["gold", "silver", "bronze"] });
  expect(column("phone")).toMatchObject({
    type: "shop.phone",
    category: "text",
    baseName: "varchar",
    maxLength: 20,
  });
  expect(column("phone")?.domain?.checks).toMatchObject([{ name: "phone_is_international" }]);
  expect(column("scores")).toMatchObject({ type: "integer[]", category: "integer", isArray: true });
  expect(column("search_name")).toMatchObject({ isGenerated: true, hasDefault: false });
  expect(column("avatar")).toMatchObject({ category: "bytes", canInsert: true, canUpdate: true });
  const orders = await read("orders");
  expect(orders.column("quantity")).toMatchObject({ isNotNull: true, hasDefault: true, default: "1" });
});

test("an enum value that was added later is read in the order of the enum", async () => {
  await rowmill.ctx.pool.query("ALTER TYPE shop.tier ADD VALUE 'platinum' BEFORE 'gold'");
  const { column } = await read("customers");
  expect(column("tier")?.enumValues).toEqual(["platinum", "gold", "silver", "bronze"]);
});

test("only valid, immediate and complete unique indexes are usable keys", async () => {
  const { keys } = await read("customers");
  expect(keys.map(({ name, columns, usable, why }) => [name, columns, usable, why])).toEqual([
    ["customers_pkey", ["id"], true, null],
    ["customers_email", ["email"], false, "covers only the rows with active"],
    ["customers_external_id", ["external_id"], true, null],
    ["customers_lower_name", ["external_id"], false, "has an expression"],
  ]);
  const orders = await read("orders");
  expect(orders.keys).toMatchObject([{ usable: true }, { name: "orders_reference", why: "is deferrable" }]);
  expect(orders.exclusions).toMatchObject([{ name: "orders_overlap", columns: ["during"] }]);
});

test("the key of a partitioned table contains its partition key", async () => {
  const { kind, keys, partitionKey } = await read("events");
  expect([kind, partitionKey]).toEqual(["partitioned table", ["at"]]);
  expect(keys).toMatchObject([{ columns: ["id", "at"], isPrimary: true, usable: true }]);
});

test("NULLS NOT DISTINCT is read, and an invalid index is not usable", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.odd_keys (a int, b int);
    CREATE UNIQUE INDEX odd_a ON shop.odd_keys (a) NULLS NOT DISTINCT;
    CREATE UNIQUE INDEX odd_b ON shop.odd_keys (b) INCLUDE (a);
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'shop.odd_b'::regclass`,
  );
  const { keys } = await read("odd_keys");
  expect(keys).toMatchObject([
    { name: "odd_a", nullsNotDistinct: true, usable: true },
    { name: "odd_b", columns: ["b"], usable: false, why: expect.stringContaining("not valid") },
  ]);
});

test("foreign keys name the unique texts of the other table that the role may read", async () => {
  expect((await read("customers")).foreignKeys).toEqual([
    {
      name: "customers_country_id_fkey",
      columns: ["country_id"],
      schema: "shop",
      table: "countries",
      otherColumns: ["id"],
      // A nickname may be null.
      uniqueTextColumns: ["iso2", "name"],
    },
  ]);
});

test("triggers, policies, rules and what inherits are read", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.ruled (id int); CREATE RULE quiet AS ON DELETE TO shop.ruled DO INSTEAD NOTHING;
    CREATE TABLE shop.ruled_too () INHERITS (shop.ruled)`,
  );
  expect((await read("guarded")).triggers).toMatchObject([
    { name: "guard", when: "BEFORE INSERT OR UPDATE", function: "shop.guard" },
  ]);
  expect(await read("notes")).toMatchObject({
    hasRowSecurity: true,
    policies: [{ name: "tenant_a", command: "ALL", check: "(tenant = 'a'::text)" }],
  });
  expect(await read("ruled")).toMatchObject({ rules: ["quiet"], children: ["shop.ruled_too"] });
});

test("views and foreign tables are named as such", async () => {
  expect((await read("names")).kind).toBe("view");
  expect((await read("totals")).kind).toBe("materialized view");
  await rowmill.ctx.pool.query(
    `CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
    CREATE FOREIGN TABLE shop.far (id int) SERVER nowhere`,
  );
  expect((await read("far")).kind).toBe("foreign table");
  expect(await readTable(rowmill.ctx, "shop", "nothing")).toBeNull();
  // An index is no table.
  expect(await readTable(rowmill.ctx, "shop", "customers_email")).toBeNull();
});

test("names with quotes are read as they are, and values never become SQL", async () => {
  const { columns, checks } = await read('Odd "Name"');
  expect(columns.map(({ name }) => name)).toEqual(["Id", "select", "a b"]);
  expect(checks[0]?.forms).toEqual([{ kind: "minimum", column: "a b", value: "5" }]);
  expect(await readTable(rowmill.ctx, "shop", "x' OR true --")).toBeNull();
});

test("privileges are those of the role, for each column", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.shut (a serial, b int, c int);
    GRANT SELECT, INSERT (b), UPDATE (c) ON shop.shut TO ${role}`,
  );
  const { column, privileges } = await read("shut");
  expect(column("b")).toMatchObject({ canSelect: true, canInsert: true, canUpdate: false });
  expect(column("c")).toMatchObject({ canSelect: true, canInsert: false, canUpdate: true });
  expect(privileges).toEqual({
    roleExists: true,
    canUse: true,
    canSelect: true,
    canInsert: false,
    canUpdate: false,
    canDelete: false,
    missingSequences: ["shop.shut_a_seq"],
  });
});

test("a role that does not exist may do nothing", async () => {
  const config = { ...rowmill.config, tableTargets: { ...rowmill.config.tableTargets, role: "nobody" } };
  const { privileges, column } = await read("customers", { ...rowmill.ctx, config });
  expect(privileges).toMatchObject({ roleExists: false, canUse: false, canSelect: false });
  expect(column("credit")).toMatchObject({ canInsert: false, canUpdate: false });
});

test("the reader leaves the search path of an open transaction as it was", async () => {
  await rowmill.ctx.db.transaction(async (db) => {
    await db.execute(sql`SET LOCAL search_path = shop`);
    const facts = await readTable({ db, config: rowmill.config }, "shop", "customers");
    // In the search path, PostgreSQL would leave the schema out.
    expect(facts?.columns.find(({ name }) => name === "tier")?.type).toBe("shop.tier");
    const { rows } = await db.execute<{ search_path: string }>(sql`SHOW search_path`);
    expect(rows).toEqual([{ search_path: "shop" }]);
  });
});
