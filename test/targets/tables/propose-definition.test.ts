import Value from "typebox/value";
import { expect, test } from "vitest";
import { Definition } from "../../../src/targets/definition/definition.ts";
import { proposeDefinition } from "../../../src/targets/tables/propose/propose-definition.ts";
import { readTable } from "../../../src/targets/tables/read/read-table.ts";
import { useShop } from "../../support/use-shop.ts";

const { rowmill, role } = useShop();

async function propose(table: string, mayLookUp?: () => boolean) {
  const facts = await readTable(rowmill.ctx, "shop", table);
  if (!facts) throw new Error(`no table ${table}`);
  const { definition, notes } = proposeDefinition(facts, mayLookUp);
  expect([...Value.Errors(Definition, definition)]).toEqual([]);
  const column = (name: string) => definition.columns.find((each) => each.name === name);
  return { definition, notes, column };
}

test("a table with a natural key gets a definition for all modes", async () => {
  const { definition, column } = await propose("customers");
  expect(definition).toMatchObject({
    title: "People who buy.",
    destination: { type: "table", schema: "shop", table: "customers" },
    key: { columns: ["external_id"] },
    mode: { default: "upsert", allowed: ["insert", "upsert", "update", "skip_existing"] },
    undo: "record_before_image",
  });
  expect(definition.columns.map(({ name }) => name)).not.toContain("id");
  expect(column("external_id")).toEqual({
    name: "external_id",
    type: "text",
    required: true,
    max_length: 40,
  });
  expect(column("full_name")).toMatchObject({ required: true, min_length: 1, max_length: 200 });
  expect(column("full_name")?.description).toMatch(
    /^First and last name\nRules: \(length\(full_name\) >= 1\)/,
  );
  expect(column("tier")).toMatchObject({
    type: "enum",
    values: [{ value: "gold" }, { value: "silver" }, { value: "bronze" }],
  });
  expect(column("credit")).toMatchObject({
    type: "decimal",
    precision: 10,
    scale: 2,
    minimum: 0,
    maximum: 100_000,
  });
  // It has a default, so it is optional.
  expect(column("credit")).not.toHaveProperty("required");
  expect(column("born")).toMatchObject({ type: "date", minimum: "1900-01-01", maximum: "today" });
  expect(column("phone")).toMatchObject({ type: "text", max_length: 20, pattern: "^\\+[0-9]+$" });
  expect(column("language")).toMatchObject({
    type: "enum",
    values: [{ value: "de" }, { value: "fr" }, { value: "it" }],
  });
  expect(column("postcode")).toMatchObject({ type: "text", pattern: "^[0-9]{4,5}$" });
  expect(column("logins")).toMatchObject({ type: "integer", minimum: -32_768, maximum: 32_767 });
  expect(column("active")?.type).toBe("boolean");
  expect(column("tags")).toMatchObject({ type: "array", items: { type: "text" } });
  expect(column("scores")).toMatchObject({ type: "array", items: { type: "integer" } });
  expect(column("settings")?.type).toBe("json");
  expect(column("homepage")?.type).toBe("uuid");
  expect(column("updated_at")?.type).toBe("timestamp");
});

test("a reference becomes a look-up by unique texts, if the other table may be read", async () => {
  expect((await propose("customers")).column("country")).toEqual({
    name: "country",
    to: "country_id",
    type: "lookup",
    lookup: { schema: "shop", table: "countries", match: ["iso2", "name"], value: "id" },
  });
  const { column } = await propose("customers", () => false);
  expect(column("country_id")).toMatchObject({ type: "integer" });
});

test("notes name the columns that are left out, and the rules that only PostgreSQL checks", async () => {
  const { notes } = await propose("customers");
  expect(notes).toEqual([
    "The column id (bigint) is left out: PostgreSQL numbers it, and accepts no other value.",
    expect.stringMatching(/^The column avatar \(bytea\) is left out\./),
    expect.stringMatching(/^The column valid_in \(daterange\) is left out\./),
    "The column search_name (text) is left out: PostgreSQL computes it.",
    expect.stringContaining(
      "customers_email cannot be the key of the target, because it covers only the rows with active.",
    ),
    expect.stringContaining(
      "customers_lower_name cannot be the key of the target, because it has an expression.",
    ),
    "The rule gold_needs_email is checked by PostgreSQL: (tier <> 'gold'::shop.tier) OR (email IS NOT NULL).",
  ]);
  expect((await propose("orders")).notes).toEqual(
    expect.arrayContaining([
      expect.stringContaining("orders_reference cannot be the key of the target, because it is deferrable."),
      "The constraint orders_overlap is checked by PostgreSQL: EXCLUDE USING gist (during WITH &&).",
    ]),
  );
  expect((await propose("guarded")).notes).toEqual([
    expect.stringMatching(
      /^The trigger guard \(BEFORE INSERT OR UPDATE\) calls shop\.guard, which \w+ owns\./,
    ),
  ]);
  expect((await propose("notes")).notes).toEqual([
    expect.stringMatching(/^Row-level security is on: .* Its policies are tenant_a\.$/),
  ]);
});

test("a key that PostgreSQL makes is optional, and files become new records", async () => {
  const { definition, column } = await propose("orders");
  expect(definition).toMatchObject({ key: { columns: ["id"] }, mode: { default: "insert" } });
  expect(column("id")).not.toHaveProperty("required");
  expect(column("quantity")).toMatchObject({ type: "integer", minimum: 1, maximum: 2_147_483_647 });
});

test("the key of a partitioned table has all of its columns, and long integers stay exact", async () => {
  const { definition, column } = await propose("events");
  expect(definition.key).toEqual({ columns: ["id", "at"] });
  expect(column("id")).toMatchObject({ minimum: "-9223372036854775808", maximum: "9223372036854775807" });
});

test("a table without a usable key can be inserted into, and not undone", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.keyless (a text, b bytea NOT NULL); GRANT ALL ON shop.keyless TO ${role}`,
  );
  const { definition, column } = await propose("keyless");
  expect(definition).toMatchObject({ mode: { default: "insert", allowed: ["insert"] }, undo: "none" });
  expect(definition).not.toHaveProperty("key");
  // Left out, every row would fail.
  expect(column("b")).toMatchObject({ type: "text", required: true });
});

test("only columns that the role may write are proposed", async () => {
  await rowmill.ctx.pool.query(
    `CREATE TABLE shop.narrow (id int PRIMARY KEY, a text, b text, c text); GRANT SELECT, INSERT (id, a, b), UPDATE (a) ON shop.narrow TO ${role}`,
  );
  const { definition, notes } = await propose("narrow");
  expect(definition.columns.map(({ name }) => name)).toEqual(["id", "a", "b"]);
  expect(definition).toMatchObject({ update: { columns: ["a"] }, undo: "none" });
  expect(notes).toContain("The column c (text) is left out: the role may not insert values.");
});

test("a key that is never null is preferred to one that may be", async () => {
  await rowmill.ctx.pool.query(`
    CREATE TABLE shop.contacts (email text UNIQUE, code text NOT NULL UNIQUE);
    GRANT SELECT, INSERT, UPDATE, DELETE ON shop.contacts TO ${role}`);
  const { definition, column } = await propose("contacts");
  expect(definition.key).toEqual({ columns: ["code"] });
  expect(column("email")?.required).toBeUndefined();
});
