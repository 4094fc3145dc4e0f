/** A real schema of an application: imports with every kind of error, killed workers, all modes, and undo. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import type { Client } from "../support/client.ts";
import {
  errorsOf,
  hashOf,
  importFile,
  type OwnShop,
  startShop,
  undo,
  withColumns,
} from "../support/own-shop.ts";
import {
  customersFile,
  expectedErrors,
  hashOfGoodRows,
  isGood,
  MISTAKES,
  rowsUpTo,
  STORED_CUSTOMERS,
  shopRecords,
} from "../support/shop-rows.ts";

const LARGE = 50_000;
const SMALL = 3000;
/** The records before the first import. */
const OLD = LARGE / 20 / Object.keys(MISTAKES).length;

let shop: OwnShop;
let user: Client;
let target: string;
beforeAll(async () => {
  shop = await startShop(shopRecords(OLD));
  user = await shop.api.client.signUp("importer");
  target = await shop.define("customers", (proposal) =>
    withColumns(proposal, { email: { type: "email", unique: { in_file: true, ignore_case: true } } }),
  );
});
afterAll(() => shop[Symbol.asyncDispose]());

const sum = (counts: Record<string, number>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

test("50,000 rows with every kind of error end exactly once when one of two workers is killed, and undo restores the table", async () => {
  const before = await hashOf(shop, "customers");
  const errors = expectedErrors(LARGE);
  const failed = sum(errors);
  expect(failed).toBe(LARGE / 20);
  const { body: batch } = await user.upload(
    customersFile(rowsUpTo(LARGE)),
    `/api/v1/batches?target=${target}&mode=insert`,
  );
  const [killed, other] = await Promise.all([shop.startWorker(), shop.startWorker()]);
  await using _other = other;
  await killed.logged("chunk succeeded", 10);
  await killed.kill();
  const ended = await user.finished(batch.id, 240_000);
  expect(ended).toMatchObject({
    state: "completed_with_errors",
    counts: { total: LARGE, success: LARGE - failed, failed },
    records: { created: LARGE - failed, updated: 0, unchanged: 0 },
  });
  expect(await errorsOf(user, ended)).toEqual(errors);
  expect(await shop.query(STORED_CUSTOMERS)).toEqual([{ hash: hashOfGoodRows(LARGE) }]);
  await other.logged("running a job alone: the process that ran it has ended");

  await using _third = await shop.startWorker();
  const undone = await undo(user, ended, 240_000);
  expect(undone).toMatchObject({ state: "undone", undo: { reversed: LARGE - failed, kept: 0, failed: 0 } });
  expect(await hashOf(shop, "customers")).toBe(before);
}, 600_000);

test("a file again, a changed file and all modes count what they do, and undo takes one import back after the other", async () => {
  await using worker = await shop.startWorker();
  const goodRows = rowsUpTo(SMALL).filter(isGood);
  const [good, errors] = [goodRows.length, expectedErrors(SMALL)];
  const imports: { batch: BatchView; before: string }[] = [];
  const run = async (mode: string, file: Blob) => {
    const before = await hashOf(shop, "customers");
    const batch = await importFile(user, file, { target, mode, force: "true" });
    imports.push({ batch, before });
    return batch;
  };

  const first = await run("insert", customersFile(rowsUpTo(SMALL)));
  expect(first.records).toEqual({ created: good, updated: 0, unchanged: 0 });
  expect(await errorsOf(user, first)).toEqual(errors);
  const same = await run("upsert", customersFile(goodRows));
  expect(same).toMatchObject({
    counts: { failed: 0 },
    records: { created: 0, updated: 0, unchanged: good },
  });

  // With upsert, a second row with a key is no error: the last one wins.
  const { "duplicate external_id": sameKeys = 0, ...otherErrors } = errors;
  const again = await run("upsert", customersFile(rowsUpTo(SMALL)));
  expect(again.records).toEqual({ created: 0, updated: sameKeys, unchanged: good });
  expect(await errorsOf(user, again)).toEqual(otherErrors);

  // The columns that the file does not have stay as they are.
  const rest = `SELECT md5(string_agg(concat_ws('|', email, born, phone, tags, country_id), ',' ORDER BY id)) FROM shop.customers`;
  const restBefore = await shop.query(rest);
  const header = ["external_id", "full_name", "credit"] as const;
  const tenth = goodRows.filter((row) => row % 10 === 0);
  const changed = await run("upsert", customersFile(tenth, { header, change: { credit: "7.77" } }));
  // Row 777 is not among them, so no credit was 7.77 before.
  expect(changed.records).toEqual({ created: 0, updated: tenth.length, unchanged: 0 });
  expect(await shop.query("SELECT count(*)::int AS n FROM shop.customers WHERE credit = 7.77")).toEqual([
    { n: tenth.length + 1 },
  ]);
  expect(await shop.query(rest)).toEqual(restBefore);

  const onEdge = rowsUpTo(SMALL + 10, SMALL - 10).filter(isGood);
  const old = onEdge.filter((row) => row < SMALL).length;
  const update = await run("update", customersFile(onEdge, { change: { postcode: "99999" } }));
  expect(update.records).toEqual({ created: 0, updated: old, unchanged: 0 });
  expect(await errorsOf(user, update)).toEqual({ "not_found external_id": onEdge.length - old });
  const skip = await run("skip_existing", customersFile(onEdge, { change: { postcode: "11111" } }));
  expect(skip).toMatchObject({
    counts: { failed: 0 },
    records: { created: onEdge.length - old, updated: 0, unchanged: old },
  });
  expect(await shop.query("SELECT count(*)::int AS n FROM shop.customers WHERE postcode = '99999'")).toEqual([
    { n: old },
  ]);

  for (const { batch, before } of imports.toReversed()) {
    const undone = await undo(user, batch);
    expect(undone).toMatchObject({ state: "undone", undo: { kept: 0, failed: 0 } });
    expect(await hashOf(shop, "customers")).toBe(before);
  }
  expect(worker.lines("deadlock detected")).toEqual([]);
});

test("orders find their customers and countries by natural keys, and undo takes them out again", async () => {
  const workers = await Promise.all([shop.startWorker(), shop.startWorker()]);
  const orders = await shop.define("orders");
  const before = await hashOf(shop, "orders");
  const rows = rowsUpTo(4000).map((row) => {
    const customer = row % 100 === 11 ? "NOBODY" : `OLD${row % OLD}`;
    const country = row % 100 === 22 ? "Atlantis" : (["DE", "France", ""][row % 3] ?? "");
    const quantity = row % 100 === 33 ? "0" : String(1 + (row % 9));
    const reference = row % 100 === 44 ? `R${row - 1}` : `R${row}`;
    return [customer, country, quantity, "2026-03-01 12:30", reference].join(",");
  });
  const file = `customer,ship_to,quantity,placed_at,reference\n${rows.join("\n")}\n`;
  const batch = await importFile(user, file, { target: orders });
  expect(batch.records).toEqual({ created: 3840, updated: 0, unchanged: 0 });
  expect(await errorsOf(user, batch)).toEqual({
    "lookup_missing customer": 40,
    "lookup_missing ship_to": 40,
    "out_of_range quantity": 40,
    "duplicate reference": 40,
  });
  expect(
    await shop.query(`
    SELECT count(*)::int AS orders, count(DISTINCT reference)::int AS different, count(iso2)::int AS shipped,
      count(*) FILTER (WHERE iso2 <> CASE substr(reference, 2)::int % 3 WHEN 0 THEN 'DE' ELSE 'FR' END)::int AS elsewhere,
      count(*) FILTER (WHERE external_id <> 'OLD' || substr(reference, 2)::int % ${OLD})::int AS "ofOthers"
    FROM shop.orders JOIN shop.customers ON customers.id = customer_id LEFT JOIN shop.countries ON countries.id = ship_to_id`),
  ).toEqual([{ orders: 3840, different: 3840, shipped: expect.any(Number), elsewhere: 0, ofOthers: 0 }]);

  const ids = await shop.define(
    "orders",
    ({ destination }) => ({
      destination,
      columns: [{ name: "customer", to: "customer_id", type: "integer", required: true }],
    }),
    "orders-by-id",
  );
  const [{ id } = { id: 0 }] = await shop.query<{ id: number }>("SELECT max(id) AS id FROM shop.customers");
  const direct = await importFile(user, `customer\n${id}\n${Number(id) + 1}\n${id}\n`, { target: ids });
  expect(direct.records).toEqual({ created: 2, updated: 0, unchanged: 0 });
  expect(await errorsOf(user, direct)).toEqual({ "missing_reference customer": 1 });

  for (const undone of [direct, batch]) await undo(user, undone);
  expect(await hashOf(shop, "orders")).toBe(before);
  expect(workers.flatMap((worker) => worker.lines("deadlock detected"))).toEqual([]);
  await Promise.all(workers.map((worker) => worker.stop()));
});

test("rows go into their partitions, and a row without one fails alone", async () => {
  await using _worker = await shop.startWorker();
  const events = await shop.define("events");
  const before = await hashOf(shop, "events", "id, at");
  const file = `id,at,kind\n${rowsUpTo(2000)
    .map((row) => `${row},${row % 50 === 7 ? 2031 : 2026}-0${1 + (row % 9)}-11,view`)
    .join("\n")}\n`;
  const batch = await importFile(user, file, { target: events, mode: "upsert" });
  expect(batch.records).toEqual({ created: 1960, updated: 0, unchanged: 0 });
  expect(await errorsOf(user, batch)).toEqual({ "no_partition at": 40 });
  const again = await importFile(user, file.replaceAll("view", "click"), { target: events, mode: "upsert" });
  expect(again.records).toEqual({ created: 0, updated: 1960, unchanged: 0 });
  for (const undone of [again, batch]) await undo(user, undone);
  expect(await hashOf(shop, "events", "id, at")).toBe(before);
});

test("rows that a policy or a trigger refuses or hides are never counted as written", async () => {
  await using _worker = await shop.startWorker();
  const [notes, guarded] = [await shop.define("notes"), await shop.define("guarded")];
  await shop.query("INSERT INTO shop.notes VALUES (5, 'hidden', 'b')");
  const before = [await hashOf(shop, "notes"), await hashOf(shop, "guarded")];
  const tenants = `id,body,tenant\n${rowsUpTo(1000)
    .map((row) => `${row},text,${row % 100 === 7 ? "b" : "a"}`)
    .join("\n")}\n`;
  const written = await importFile(user, tenants, { target: notes, mode: "upsert" });
  expect(written.records).toEqual({ created: 989, updated: 0, unchanged: 0 });
  expect(await errorsOf(user, written)).toEqual({ forbidden_by_policy: 10, "duplicate id": 1 });
  expect(await shop.query("SELECT body FROM shop.notes WHERE id = 5")).toEqual([{ body: "hidden" }]);

  const names = `id,name\n${rowsUpTo(1000)
    .map((row) => `${row},${["swallow", "refuse"][row % 100] ?? "ada"}`)
    .join("\n")}\n`;
  const kept = await importFile(user, names, { target: guarded, mode: "insert" });
  expect(kept.records).toEqual({ created: 980, updated: 0, unchanged: 0 });
  expect(await errorsOf(user, kept)).toEqual({ skipped_by_trigger: 10, refused_by_trigger: 10 });
  const { items } = (
    await user.get<{ items: { error_message: string }[] }>(
      `/api/v1/batches/${kept.id}/rows?error_code=refused_by_trigger`,
    )
  ).body;
  expect(items[0]?.error_message).toBe("Guarded things have no such name. Choose another name.");
  for (const batch of [written, kept]) await undo(user, batch);
  expect([await hashOf(shop, "notes"), await hashOf(shop, "guarded")]).toEqual(before);
});
