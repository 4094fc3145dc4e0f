/** Records that are created as a set have the results that rows which are written one by one have. */
import { describe, expect, test } from "vitest";
import type { Definition } from "../../../src/targets/definition/definition.ts";
import { deliverUndo } from "../../support/batches.ts";
import { chunksOf, importFile, receive } from "../../support/imports.ts";
import { nastyCell } from "../../support/nasty-cells.ts";
import { type Random, randomOf } from "../../support/random.ts";
import { MODES, resultsOf, useStore } from "../../support/store.ts";
import { deliver, forgetSizes, type StoredRow, uploadRows } from "../../support/stored-rows.ts";

const moreSql = `
CREATE TABLE store.many (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE, "2" text DEFAULT 'none', n int CHECK (n <> 13),
  price numeric(10, 2) DEFAULT 5, flag boolean, born date, seen timestamptz, tags text[], meta jsonb,
  tier store.tier NOT NULL DEFAULT 'silver', note text, UNIQUE ("2", n)
);
CREATE TABLE store.tried (id int PRIMARY KEY CHECK (id <> 13), v text CHECK (v <> 'broken'));
CREATE TABLE store.skipping (id int PRIMARY KEY, name text);
CREATE TRIGGER guard BEFORE INSERT ON store.skipping FOR EACH ROW EXECUTE FUNCTION store.swallow_some();`;

const functions = `
CREATE FUNCTION store.swallow_some() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.name = 'swallow' THEN RETURN NULL; END IF;
  NEW.name := upper(NEW.name);
  RETURN NEW;
END $$;`;

const { rowmill, user, query, define } = useStore({ moreSql: functions + moreSql });
const mode = { ...MODES, allowed: [...MODES.allowed] };

const columns: Definition["columns"] = [
  { name: "code", type: "text", required: true, transform: ["upper"], max_length: 200 },
  { name: "label", to: "2", type: "text", trim: false },
  { name: "n", type: "integer", minimum: -5 },
  { name: "price", type: "decimal", precision: 10, scale: 2 },
  { name: "flag", type: "boolean" },
  { name: "born", type: "date" },
  { name: "seen", type: "timestamp" },
  { name: "tags", type: "array", items: { type: "text" }, separator: "|" },
  { name: "meta", type: "json" },
  { name: "tier", type: "enum", values: [{ value: "gold" }, { value: "silver" }], default: "gold" },
  { name: "note", type: "computed", template: "{{label}}/{{n}}" },
];
const HEADER = columns
  .filter(({ type }) => type !== "computed")
  .map(({ name }) => name)
  .join(",");
const rules: Definition["rules"] = [
  { name: "priced", if: { tier: "silver" }, require: ["price"], message: "silver has a price" },
];
const locale: Definition["locale"] = {
  decimal: ",",
  date_order: "dmy",
  timezone: "Europe/Berlin",
  null: ["-"],
};

const TARGETS: Readonly<Record<string, Partial<Definition>>> = {
  "with a key": { key: { columns: ["code"] }, mode },
  "with a key of two columns": { key: { columns: ["label", "n"] }, mode },
  "with rules": { key: { columns: ["code"] }, mode, rules, update: { empty_cell: "null" } },
  "without a key": {},
};

const ROWS = 75;
const SEEDS = Array.from({ length: 8 }, (_, index) => index + 1);

/** @param isNasty whether the row is often odd, and may break a rule of the database or have the key of another one */
function cellsOf(random: Random, row: number, isNasty: boolean): string[] {
  const odd = (usual: string, ...others: string[]) =>
    random.below(isNasty ? 12 : 60) === 0 ? random.pick([...others, nastyCell(random, [200])]) : usual;
  const empty = (usual: string) => (random.below(6) === 0 ? random.pick(["", "-"]) : usual);
  const named = (usual: string) => (random.below(isNasty ? 4 : 40) === 0 ? nastyCell(random, [10]) : usual);
  const code =
    isNasty && random.below(20) === 0 ? random.pick(["dup", "Dup", "new"]) : `c-${row}-${named("x")}`;
  return [
    code,
    `${row} ${named("label")}`,
    isNasty ? empty(odd(String(row + 100), "13", "-6", "1,5")) : odd(String(row + 100), "-6", "1,5"),
    empty(odd(`${row},5`, "1.000.000,00", "NaN", "1e3", "-0,00", "99999999999")),
    empty(odd(random.pick(["yes", "0", "F"]), "ja")),
    empty(odd("31.12.1999", "31.02.2020", "infinity", "1.1.0001")),
    empty(odd("5.3.2024 17:30", "31.03.2024 02:30", "31.12.9999 23:59:59.9999999", "now")),
    empty(odd("a|b c|NULL", 'x"y|\\', "a||b", "{}")),
    empty(odd('{"a": [1, 2.50, null]}', "{a: 1}", '"\\u0000"', "[1e400]", "null")),
    isNasty ? empty(odd("Gold", "lead", "SILVER")) : odd("Gold", "lead", "SILVER"),
  ];
}

function rowsOf(random: Random): StoredRow[] {
  const isNasty = [0, 1, 2].map(() => random.below(3) === 0);
  return Array.from({ length: ROWS }, (_, index) => {
    const fields = cellsOf(random, index, isNasty[Math.floor(index / 25)] ?? false);
    if (random.below(60) === 0) fields.push(random.pick(["", "more"]));
    if (random.below(90) === 0) fields.length = random.below(fields.length);
    return { fields, problem: random.below(60) === 0 ? "A quoted cell does not end." : null };
  });
}

/** Everything but times and the ids of records. */
async function outcomeOf(batch: string) {
  const records = await query<{ id: string }>(
    "SELECT *, born::text, seen::text FROM store.many ORDER BY code, id",
  );
  const names = new Map(records.map(({ id, ...record }) => [`{"id":"${id}"}`, JSON.stringify(record)]));
  const results = await query<{ record_key: string }>(
    `SELECT row_number, status, attempts, error_code, error_message, errors::text, record_id, record_key, record_version, effect, before::text
    FROM rowmill.row_results WHERE batch_id = $1 ORDER BY row_number`,
    [batch],
  );
  const chunks = await query(
    `SELECT first_row, state, attempt, succeeded, failed, created, updated, unchanged FROM rowmill.chunks
    WHERE batch_id = $1 ORDER BY first_row`,
    [batch],
  );
  return {
    records: records.map(({ id: _, ...record }) => record),
    results: results.map((result) => ({
      ...result,
      record_key: names.get(result.record_key) ?? result.record_key,
    })),
    chunks,
  };
}

const CASES = Object.keys(TARGETS).flatMap((kind) =>
  (kind === "without a key" ? (["insert"] as const) : (["insert", "skip_existing", "upsert"] as const)).map(
    (own) => ({ kind, own }),
  ),
);

test.for(CASES)(
  "a target $kind, mode $own: a set has the records and results that its rows have one by one",
  { timeout: 180_000 },
  async ({ kind, own }) => {
    const target = await define({ table: "many", columns, locale, ...TARGETS[kind] });
    let sets = 0;
    for (const seed of SEEDS) {
      const random = randomOf(seed);
      const rows = rowsOf(random);
      const order = random.pick([
        [2, 27, 52],
        [52, 27, 2],
        [27, 52, 2],
      ]);
      const outcomes = [];
      for (const isRead of [false, true]) {
        await query("TRUNCATE store.many");
        await query(`INSERT INTO store.many (code, "2", n) VALUES ('DUP', 'earlier', 1)`);
        const batch = await uploadRows(rowmill, user, rows, { mode: own, target, header: HEADER });
        expect(await chunksOf(rowmill, batch)).toEqual([2, 27, 52]);
        if (isRead) await forgetSizes(rowmill, batch);
        const written = await deliver(rowmill, batch, order);
        if (isRead) expect(written).toBe(0);
        else sets += written;
        outcomes.push(await outcomeOf(batch));
      }
      expect(outcomes[0], `seed ${seed}`).toEqual(outcomes[1]);
    }
    expect(sets).toBeGreaterThan((SEEDS.length * ROWS) / 8);
  },
);

const tried = () =>
  define({
    table: "tried",
    key: { columns: ["id"] },
    mode,
    columns: [
      { name: "id", type: "integer", required: true },
      { name: "v", type: "text" },
    ],
  });

/** Chunks of 25 rows. @param lines the rows that replace others */
function numbered(count: number, lines: Readonly<Record<number, string>> = {}): string {
  const rows = Array.from({ length: count }, (_, index) => lines[index + 2] ?? `${index + 100},ok`);
  return `id,v\n${rows.join("\n")}\n`;
}

async function importSets(target: string, csv: string) {
  const batch = await receive(user, csv, "insert", target);
  const sets = await deliver(rowmill, batch, await chunksOf(rowmill, batch));
  return { batch, sets };
}

describe("a set", () => {
  test("a set has every row of a chunk that only creates records, and leaves rows that break rules of the target to the check", async () => {
    await query("TRUNCATE store.tried");
    const { batch, sets } = await importSets(
      await tried(),
      numbered(75, { 30: "x,ok", 31: ",ok", 32: "1,ok,more" }),
    );
    expect(sets).toBe(72);
    const results = await resultsOf(user, batch);
    expect([29, 30, 31, 32, 33].map((row) => results[row])).toEqual([
      "created",
      "invalid_number",
      "required",
      "malformed",
      "created",
    ]);
    expect((await user.batch(batch)).body.counts).toMatchObject({ success: 72, failed: 3 });
  });

  test("a set that breaks a constraint leaves all of its rows to be tried one by one", async () => {
    await query("TRUNCATE store.tried");
    const { batch, sets } = await importSets(await tried(), numbered(75, { 40: "140,broken" }));
    expect(sets).toBe(50);
    const failed = await user.rows(batch, "failed");
    expect(failed.map(({ row, errors }) => [row, errors[0]?.code, errors[0]?.column])).toEqual([
      [40, "rule_broken", "v"],
    ]);
    expect(await query("SELECT count(*)::int AS count FROM store.tried")).toEqual([{ count: 74 }]);
  });

  test("a set is not tried any more in a batch in which sets fail", async () => {
    await query("TRUNCATE store.tried");
    const { batch, sets } = await importSets(await tried(), numbered(100, { 3: "13,ok", 28: "5,broken" }));
    expect(sets).toBe(0);
    expect((await user.batch(batch)).body.counts).toMatchObject({ success: 98, failed: 2 });
  });

  test("a set has the keys that a trigger leaves, and is given up if a trigger skips a row", async () => {
    const definition = {
      table: "skipping",
      key: { columns: ["id"] },
      mode,
      columns: [
        { name: "id", type: "integer" as const },
        { name: "name", type: "text" as const },
      ],
    };
    const target = await define(definition);
    const lines = Array.from({ length: 50 }, (_, index) => `${index},${index === 30 ? "swallow" : "name"}`);
    const { batch, sets } = await importSets(target, `id,name\n${lines.join("\n")}\n`);
    expect(sets).toBe(25);
    expect((await resultsOf(user, batch))[32]).toBe("skipped_by_trigger");
    expect(await query("SELECT DISTINCT name FROM store.skipping")).toEqual([{ name: "NAME" }]);
    expect(await query("SELECT count(*)::int AS count FROM store.skipping")).toEqual([{ count: 49 }]);
  });
});

test("a batch whose records were created as a set can be undone", async () => {
  await query("TRUNCATE store.tried");
  const target = await tried();
  const batch = await importFile(rowmill, user, numbered(50), "upsert", { target });
  expect(await query("SELECT count(*)::int AS count FROM store.tried")).toEqual([{ count: 50 }]);
  await query("UPDATE store.tried SET v = 'later' WHERE id = 120");
  await user.post(`/api/v1/batches/${batch}/undo`);
  await deliverUndo(rowmill.ctx, batch);
  expect(await query("SELECT id, v FROM store.tried")).toEqual([{ id: 120, v: "later" }]);
});
