/** Tables in which a set of new records could have other results than rows that are written one by one. */
import { expect, test } from "vitest";
import type { ColumnDefinition } from "../../../src/targets/definition/column.ts";
import { importFile, receive } from "../../support/imports.ts";
import { MODES, resultsOf, useStore } from "../../support/store.ts";
import { deliver } from "../../support/stored-rows.ts";

const moreSql = `
CREATE TABLE store.years (region text, "2024" int, v text, PRIMARY KEY (region, "2024"));
CREATE TABLE store.slugs (slug text PRIMARY KEY, v text);
CREATE FUNCTION store.free_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM store.slugs WHERE slug = NEW.slug) THEN NEW.slug := NEW.slug || '-2'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER free_slug BEFORE INSERT ON store.slugs FOR EACH ROW EXECUTE FUNCTION store.free_slug();
CREATE TABLE store.animals (id int PRIMARY KEY, v text);
CREATE TABLE store.cats () INHERITS (store.animals);`;

const { rowmill, user, query, define } = useStore({ moreSql });
const mode = { ...MODES, allowed: [...MODES.allowed] };
const column = (name: string, type: ColumnDefinition["type"] = "text"): ColumnDefinition => ({ name, type });

test("the last row of a file wins if a later column of its key has a number for a name, whatever the order of chunks", async () => {
  const target = await define({
    table: "years",
    key: { columns: ["region", "2024"] },
    mode,
    columns: [column("region"), column("2024", "integer"), column("v")],
  });
  const lines = Array.from({ length: 50 }, (_, index) => `r${index},1,first`);
  lines[30] = "r3,1,last";
  const csv = `region,2024,v\n${lines.join("\n")}\n`;
  const batch = await importFile(rowmill, user, csv, "upsert", { target, isBackwards: true });
  expect(await query("SELECT v FROM store.years WHERE region = 'r3'")).toEqual([{ v: "last" }]);
  expect((await resultsOf(user, batch))[5]).toBe("unchanged");
});

test("upsert updates records although a trigger would give new ones another key", async () => {
  await query("INSERT INTO store.slugs VALUES ('a', 'old')");
  const target = await define({
    table: "slugs",
    key: { columns: ["slug"] },
    mode,
    columns: [column("slug"), column("v")],
  });
  const batch = await importFile(rowmill, user, "slug,v\na,new\nb,new\n", "upsert", { target });
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated", 3: "created" });
  expect(await query("SELECT * FROM store.slugs ORDER BY slug")).toEqual([
    { slug: "a", v: "new" },
    { slug: "b", v: "new" },
  ]);
});

test("upsert updates records of tables that inherit from the table", async () => {
  await query("INSERT INTO store.cats VALUES (1, 'old')");
  const target = await define({
    table: "animals",
    key: { columns: ["id"] },
    mode,
    columns: [column("id", "integer"), column("v")],
  });
  const batch = await importFile(rowmill, user, "id,v\n1,new\n2,new\n", "upsert", { target });
  expect(await resultsOf(user, batch)).toEqual({ 2: "updated", 3: "created" });
  expect(
    await query("SELECT tableoid::regclass::text AS place, id, v FROM store.animals ORDER BY id"),
  ).toEqual([
    { place: "store.cats", id: 1, v: "new" },
    { place: "store.animals", id: 2, v: "new" },
  ]);
});

test("upsert creates a set although a trigger runs before, if no record has one of the keys", async () => {
  const target = await define({
    table: "slugs",
    key: { columns: ["slug"] },
    mode,
    columns: [column("v"), column("slug")],
  });
  const batch = await receive(user, "v,slug\nnew,c\nnew,d\n", "upsert", target);
  expect(await deliver(rowmill, batch, [2])).toBe(2);
});
