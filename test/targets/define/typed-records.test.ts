/** Typed records can look up values in tables, and have columns that are unique in the file. */
import { expect, test } from "vitest";
import type { Problem } from "../../support/client.ts";
import { importFile } from "../../support/imports.ts";
import { COUNTRY, resultsOf, useStore } from "../../support/store.ts";

const { rowmill, admin, user } = useStore();

const columns = [
  { name: "code", type: "text", unique: { in_file: true, ignore_case: true } },
  { name: "country", to: "country_id", type: "lookup", lookup: COUNTRY },
];

test("a look-up becomes the value of the other record, and a value that is not unique fails", async () => {
  const definition = { destination: { type: "records" }, columns };
  const { status, body } = await admin.post("/api/v1/targets", { name: "places", ...definition });
  expect(status, JSON.stringify(body)).toBe(201);
  const csv = "code,country\na,germany\nA,FR\nb,Atlantis\nc,fr\n";
  const batch = await importFile(rowmill, user, csv, "insert", { target: "places" });
  expect(await resultsOf(user, batch)).toEqual({
    2: "created",
    3: "not_unique",
    4: "lookup_missing",
    5: "created",
  });
  const { body: records } = await user.get<{ items: { data: object }[] }>(
    `/api/v1/records?batch_id=${batch}`,
  );
  expect(records.items.map(({ data }) => data)).toEqual([
    { code: "a", country_id: "1" },
    { code: "c", country_id: "2" },
  ]);
});

test("a look-up in a table that is not allowed is refused", async () => {
  const [code, country] = columns;
  const lookup = { ...COUNTRY, schema: "rowmill", table: "users" };
  const definition = { destination: { type: "records" }, columns: [code, { ...country, lookup }] };
  const { status, body } = await admin.post<Problem>("/api/v1/targets", { name: "spy", ...definition });
  expect(status).toBe(400);
  expect(Object.keys(body.field_errors)[0]).toMatch(/^columns\.1\.lookup/);
});

test("constants are facts about the upload and its owner", async () => {
  const facts = ["user.username", "user.id", "batch.filename", "row.number"] as const;
  const constants = facts.map((from, index) => ({ name: `fact_${index}`, type: "constant", from }));
  const definition = {
    destination: { type: "records" },
    columns: [{ name: "code", type: "text" }, ...constants],
  };
  const { status, body } = await admin.post("/api/v1/targets", { name: "facts", ...definition });
  expect(status, JSON.stringify(body)).toBe(201);
  const batch = await importFile(rowmill, user, "code\na\n", "insert", { target: "facts" });
  const { body: me } = await user.get<{ username: string }>("/api/v1/auth/me");
  const { body: records } = await user.get<{ items: { data: object }[] }>(
    `/api/v1/records?batch_id=${batch}`,
  );
  expect(records.items.map(({ data }) => data)).toEqual([
    { code: "a", fact_0: me.username, fact_1: user.userId, fact_2: "test.csv", fact_3: 2 },
  ]);
});
