import { describe, expect, test } from "vitest";
import { importFile } from "../../support/imports.ts";
import { customers, resultsOf, useStore } from "../../support/store.ts";

const { rowmill, user, query, define } = useStore();

const importInto = (target: string, csv: string, mode: "insert" | "upsert" | "update" | "skip_existing") =>
  importFile(rowmill, user, csv, mode, { target });

const stored = (prefix: string) =>
  query<Record<string, unknown>>(
    `SELECT external_id, full_name, email, tier, credit, country_id FROM store.customers WHERE external_id LIKE $1 ORDER BY 1`,
    [`${prefix}%`],
  );

describe("insert", () => {
  test("rows become records, and columns that the file lacks get their defaults", async () => {
    const target = await define(customers());
    const batch = await importInto(
      target,
      "external_id,full_name,country\nA1,Ada,de\nA2,Bob,France\n",
      "insert",
    );
    expect(await stored("A")).toEqual([
      { external_id: "A1", full_name: "Ada", email: null, tier: "silver", credit: "5.00", country_id: 1 },
      { external_id: "A2", full_name: "Bob", email: null, tier: "silver", credit: "5.00", country_id: 2 },
    ]);
    expect(await resultsOf(user, batch)).toEqual({ 2: "created", 3: "created" });
  });

  test("each row that the database refuses fails on its own, and names the column", async () => {
    const target = await define(customers());
    await query("INSERT INTO store.customers (external_id, email) VALUES ('B0', 'b0@x')");
    const lines = Array.from({ length: 40 }, (_, index) => `B${index + 10},Bob,b${index + 10}@x,silver`);
    lines[3] = "B13,broken,b13@x,silver";
    lines[7] = "B17,Bob,b0@x,silver";
    lines[11] = "B0,Bob,bb@x,silver";
    lines[15] = "B25,Bob,b25@x,bronze";
    lines[19] = "B29-is-too-long,Bob,b29@x,gold";
    lines[23] = "B10,Bob,again@x,gold";
    const batch = await importInto(
      target,
      `external_id,full_name,email,tier\n${lines.join("\n")}\n`,
      "insert",
    );
    const rows = await user.rows(batch, "failed");
    expect(rows.map(({ row, errors }) => [row, errors[0]?.code, errors[0]?.column])).toEqual([
      [5, "rule_broken", "full_name"],
      [9, "duplicate", "email"],
      [13, "duplicate", "external_id"],
      [17, "invalid", "tier"],
      [21, "invalid", "external_id"],
      [25, "duplicate", "external_id"],
    ]);
    expect(await stored("B")).toHaveLength(35);
  });
});

describe("upsert", () => {
  test("the last row of a key wins, and what stays the same is unchanged", async () => {
    const target = await define(customers());
    const csv = "external_id,full_name,credit\nC1,Ada,1\nC2,Bob,2\nC1,Ada Byron,3.50\n";
    const first = await importInto(target, csv, "upsert");
    expect(await resultsOf(user, first)).toEqual({ 2: "unchanged", 3: "created", 4: "created" });
    const again = await importInto(
      target,
      "external_id,full_name,credit\nC1,Ada Byron,3.5\nC2,Bert,2\nC3,Cid,\n",
      "upsert",
    );
    expect(await resultsOf(user, again)).toEqual({ 2: "unchanged", 3: "updated", 4: "created" });
    expect(await stored("C")).toMatchObject([
      { full_name: "Ada Byron", credit: "3.50", tier: "silver" },
      { full_name: "Bert", credit: "2.00" },
      { full_name: "Cid" },
    ]);
  });
});

test("rows without any value become records of defaults, many at a time", async () => {
  await query("DELETE FROM store.log");
  const target = await define({ table: "log", columns: [{ name: "line", type: "text" }] });
  const batch = await importInto(target, "line,other\n,a\n,b\nx,c\n", "insert");
  expect(await resultsOf(user, batch)).toEqual({ 2: "created", 3: "created", 4: "created" });
  expect(await query("SELECT line FROM store.log ORDER BY 1")).toEqual([
    { line: "x" },
    { line: null },
    { line: null },
  ]);
});
