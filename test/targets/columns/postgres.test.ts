/** PostgreSQL accepts every value that a column accepts, and reads it as the same value. */
import { describe, expect, test } from "vitest";
import { checkColumns } from "../../../src/targets/columns/check-columns.ts";
import { rowCheck } from "../../../src/targets/columns/row-check.ts";
import type { ColumnDefinition } from "../../../src/targets/definition/column.ts";
import type { Locale } from "../../../src/targets/definition/locale.ts";
import { type Cell, cellReaderOf, definitionOf } from "../../support/cells.ts";
import { emptyDatabase, onDatabase } from "../../support/databases.ts";
import { type Random, randomOf } from "../../support/random.ts";
import { cpuMsOf } from "../../support/stopwatch.ts";

const CELLS = 5000;

async function query<Row extends object>(sql: string, params: readonly unknown[] = []): Promise<Row[]> {
  const url = await emptyDatabase();
  const { rows } = await onDatabase(url, (client) => client.query<Row>(sql, [...params]));
  return rows;
}

/** Reads cells that are all valid. */
function readAll(setup: Cell, cells: readonly string[]): string[] {
  const read = cellReaderOf(setup);
  return cells.map((cell) => {
    const result = read(cell);
    if (!("value" in result) || typeof result.value !== "string")
      throw new Error(`${cell}: ${JSON.stringify(result)}`);
    return result.value;
  });
}

describe("numbers that are written in several ways are the same numbers in PostgreSQL", () => {
  const formats = [
    { decimal: ".", group: "" },
    { decimal: ",", group: "." },
    { decimal: ".", group: "," },
    { decimal: ",", group: "\u00a0" },
    { decimal: ".", group: "’" },
  ] as const;

  test.each(formats)("numbers are the same numbers with %j", async (locale) => {
    const random = randomOf(7);
    const cents = Array.from({ length: CELLS }, () => randomInteger(random, 15));
    const cells = cents.map((number) => decorate(writeCents(number, locale, random), random));
    const setup: Cell = { type: "decimal", precision: 17, scale: 2, currency: { symbols: ["€"] }, locale };
    const values = readAll(setup, cells);
    const rows = await query<{ same: boolean }>(
      "SELECT bool_and((value::numeric(17,2) * 100)::bigint = cents) AS same FROM unnest($1::text[], $2::bigint[]) AS t (value, cents)",
      [values, cents.map(String)],
    );
    expect(rows).toEqual([{ same: true }]);
  });

  function randomInteger(random: Random, digits: number): bigint {
    const size = 1 + random.below(digits);
    const text = Array.from({ length: size }, () => random.below(10)).join("");
    return BigInt(text) * (random.below(2) === 0 ? 1n : -1n);
  }

  function writeCents(cents: bigint, { decimal, group }: (typeof formats)[number], random: Random): string {
    const digits = (cents < 0n ? -cents : cents).toString().padStart(3, "0");
    const whole = digits.slice(0, -2);
    const grouped = random.below(2) === 0 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, group);
    return `${cents < 0n ? "-" : ""}${grouped}${decimal}${digits.slice(-2)}`;
  }

  function decorate(number: string, random: Random): string {
    return random.pick([number, ` ${number}`, `${number} €`, `${number}\u00a0€`, `€${number}`]);
  }
});

describe("days and times that PostgreSQL has written", () => {
  test.each<[string, Cell]>([
    ["YYYY-MM-DD", { type: "date" }],
    ["DD.MM.YYYY", { type: "date", locale: { date_order: "dmy" } }],
    ["FMMM/FMDD/YYYY", { type: "date", locale: { date_order: "mdy" } }],
    ["DD Mon YYYY", { type: "date", formats: ["dd MMM yyyy"] }],
    ["FMMonth FMDD, YYYY", { type: "date", formats: ["MMMM d, yyyy"] }],
    ["YYYYMMDD", { type: "date", formats: ["yyyyMMdd"] }],
  ])("days that PostgreSQL has written as %s are read as the same days", async (format, setup) => {
    // 0001-01-01 to 9999-12-31
    const random = randomOf(3);
    const days = Array.from({ length: CELLS }, () => random.below(3_652_059) - 719_162);
    const written = await query<{ cell: string }>(
      "SELECT to_char('1970-01-01'::date + day, $2) AS cell FROM unnest($1::int[]) WITH ORDINALITY AS t (day, n) ORDER BY n",
      [days, format],
    );
    const values = readAll(
      setup,
      written.map(({ cell }) => cell),
    );
    const rows = await query<{ same: boolean }>(
      "SELECT bool_and(value::date - '1970-01-01'::date = day) AS same FROM unnest($1::text[], $2::int[]) AS t (value, day)",
      [values, days],
    );
    expect(rows).toEqual([{ same: true }]);
  });

  test.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])(
    "times on the clocks of %s are read as the same moments",
    async (timezone) => {
      const random = randomOf(5);
      // 1970 to 2037, and around the days on which clocks change.
      const moments = Array.from({ length: CELLS }, (_, index) =>
        index % 2 === 0
          ? random.below(2 ** 31)
          : 1_711_846_800 + (random.below(2) * 210 * 24 + random.below(96) - 48) * 3600,
      );
      const written = await query<{ cell: string; again: boolean }>(
        `SELECT to_char(to_timestamp(s) AT TIME ZONE $2, 'DD.MM.YYYY HH24:MI:SS') AS cell,
          (to_timestamp(s) AT TIME ZONE $2) IN (to_timestamp(s - 3600) AT TIME ZONE $2, to_timestamp(s - 1800) AT TIME ZONE $2) AS again
        FROM unnest($1::bigint[]) WITH ORDINALITY AS t (s, n) ORDER BY n`,
        [moments, timezone],
      );
      const values = readAll(
        { type: "timestamp", locale: { date_order: "dmy", timezone } },
        written.map(({ cell }) => cell),
      );
      // Of two moments with the same time on the clocks, the earlier one counts.
      const rows = await query<{ wrong: string[] | null }>(
        `SELECT array_agg(value) FILTER (WHERE NOT again AND extract(epoch FROM value::timestamptz) <> s
            OR again AND extract(epoch FROM value::timestamptz) >= s
            OR value::timestamp <> to_timestamp(s) AT TIME ZONE $4) AS wrong
        FROM unnest($1::text[], $2::bigint[], $3::bool[]) AS t (value, s, again)`,
        [values, moments, written.map(({ again }) => again), timezone],
      );
      expect(rows).toEqual([{ wrong: null }]);
    },
  );
});

const PARTS = [
  ..."0123456789+-.,:/ '\"\\{}[]()€%eETZaAxX#@|;\t\n\u00a0\u202f\u200b\u2212ßé😀\ud83d",
  ...[
    "12",
    "2024",
    "-02-",
    "29",
    "00:00",
    "T12:30",
    "Z",
    "+02:00",
    "AM",
    "null",
    "NULL",
    "true",
    "1e5",
    "\\u0000",
    "\\ud800",
  ],
  ...[
    "a@b.de",
    "https://",
    "example.com",
    "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    '{"a":',
    "[1,2]",
    '"x"',
    "Jan",
    "gold",
  ],
];
const SEEDS: readonly string[] = [
  "1.234,56",
  "-1250.00",
  "9223372036854775807",
  "2024-02-29",
  "31.12.1999",
  "12/31/99",
  "2024-07-01T12:00:00+02:00",
  "ada@example.com",
  "https://example.com/a",
  "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
  '{"a":[1,2.5,"x"]}',
  "a|b c|d",
  "ja",
  "gold",
];

/** Nonsense, and valid cells with one part changed. */
function nasty(random: Random): string {
  const part = () => random.pick(PARTS);
  if (random.below(2) === 0) return Array.from({ length: random.below(8) }, part).join("");
  const seed = random.pick(SEEDS);
  const at = random.below(seed.length + 1);
  return seed.slice(0, at) + (random.below(3) === 0 ? "" : part()) + seed.slice(at + random.below(2));
}

const german: Locale = {
  decimal: ",",
  group: ".",
  date_order: "dmy",
  timezone: "Europe/Berlin",
  true: ["ja"],
  false: ["nein"],
};
const ITEMS = {
  text: "text",
  integer: "bigint",
  decimal: "numeric",
  boolean: "boolean",
  date: "date",
  timestamp: "timestamptz",
  uuid: "uuid",
} as const;
const TYPES: readonly (readonly [cast: string, setup: Cell])[] = [
  ["text", { type: "text" }],
  ["bigint", { type: "integer" }],
  ["int2", { type: "integer", database_type: "int2", locale: german }],
  ["numeric", { type: "decimal" }],
  ["numeric(6,2)", { type: "decimal", precision: 6, scale: 2, rounding: "half_up", locale: german }],
  ["boolean", { type: "boolean", locale: german }],
  ["date", { type: "date" }],
  ["date", { type: "date", locale: { date_order: "mdy" }, two_digit_year_pivot: 1950 }],
  ["timestamptz", { type: "timestamp", locale: german }],
  ["timestamp", { type: "timestamp" }],
  ["varchar(10)", { type: "email", max_length: 10 }],
  ["text", { type: "url" }],
  ["uuid", { type: "uuid" }],
  ["jsonb", { type: "json" }],
  ...Object.entries(ITEMS).map(([type, cast]) => {
    const setup: Cell = { type: "array", items: { type: type as keyof typeof ITEMS }, separator: "|" };
    return [`${cast}[]`, setup] as const;
  }),
];

test.each(TYPES)(
  "no cell throws, and PostgreSQL reads every accepted cell as %s (%j)",
  async (cast, setup) => {
    const random = randomOf(11);
    const read = cellReaderOf(setup);
    const values = Array.from({ length: 10_000 }, () => read(nasty(random))).flatMap((result) => {
      if ("value" in result) return typeof result.value === "string" ? [result.value] : [];
      if (!/^[a-z_]+$/.test(result.code) || !result.message.startsWith("Cell "))
        throw new Error(result.message);
      return [];
    });
    expect(values.length).toBeGreaterThan(20);
    const rows = await query<{ count: string }>(
      `SELECT count(value::${cast}) FROM unnest($1::text[]) AS t (value)`,
      [values],
    );
    expect(rows).toEqual([{ count: String(values.length) }]);
  },
);

test("arrays have the items of their cells in PostgreSQL", async () => {
  const random = randomOf(13);
  const items = Array.from({ length: 2000 }, () =>
    Array.from(
      { length: 1 + random.below(4) },
      () => `${nasty(random).replaceAll("|", "").trim().toWellFormed()}x`,
    ),
  );
  const usable = items.filter(
    (list) => !list.join("").includes("\ufffd") && list.every((item) => item === item.trim()),
  );
  const values = readAll(
    { type: "array", items: { type: "text" }, separator: "|" },
    usable.map((list) => list.join("|")),
  );
  const rows = await query<{ list: string[] }>(
    "SELECT to_json(value::text[]) AS list FROM unnest($1::text[]) WITH ORDINALITY AS t (value, n) ORDER BY n",
    [values],
  );
  expect(rows.map(({ list }) => list)).toEqual(usable);
});

test("a row of a million digits, brackets and letters costs no time that grows faster than the row", async () => {
  const columns: ColumnDefinition[] = [
    { name: "a", type: "text", pattern: "^(a+)+$", max_length: 10_000_000 },
    { name: "b", type: "decimal" },
    { name: "c", type: "email" },
    { name: "d", type: "json" },
    { name: "e", type: "timestamp" },
    { name: "f", type: "array", items: { type: "integer" } },
    {
      name: "g",
      type: "text",
      transform: ["title", "unaccent", "collapse_spaces", { e164: { country_code: "49" } }],
    },
  ];
  const definition = definitionOf(columns);
  expect(checkColumns(definition)).toEqual({});
  const mapping = Object.fromEntries(columns.map(({ name }, index) => [name, index]));
  const check = rowCheck(definition, { id: "b", userId: 1, mode: "insert", mapping });
  for (const part of ["a", "1", "[", '"', "a@", "é", " ", "1,", "(", "-", "a."]) {
    for (const tail of ["", "!"]) {
      const cell = part.repeat(1_000_000 / part.length) + tail;
      const cells = columns.map(() => cell);
      expect(await cpuMsOf(() => check(cells, 2))).toBeLessThan(5000);
    }
  }
});
