/** A file of customers for shop-tables.ts, in which every twentieth row is wrong, each kind of error as often as the others. */
import { createHash } from "node:crypto";

export const CUSTOMER_HEADER = [
  ...["external_id", "full_name", "email", "tier", "credit", "born", "phone", "language", "postcode"],
  ...["logins", "active", "tags", "scores", "settings", "homepage", "country"],
] as const;

type CustomerColumn = (typeof CUSTOMER_HEADER)[number];
type CustomerCells = Record<CustomerColumn, string>;

interface Mistake {
  readonly code: string;
  readonly column: CustomerColumn | null;
  /** @param nth how many rows have the mistake before this one */
  readonly cells: (row: number, nth: number) => Partial<CustomerCells>;
}

const GOOD_ROWS_PER_BAD = 20;
const BAD_AT = 7;
/** An even distance to an earlier row, far outside of the chunk, that is never wrong. */
const FAR = 20_001;

/** Every error that a file can have: found by the rules of the target, by look-ups, and by PostgreSQL. */
export const MISTAKES: Readonly<Record<string, Mistake>> = {
  date: { code: "invalid_date", column: "born", cells: () => ({ born: "1985-02-31" }) },
  dateRange: { code: "out_of_range", column: "born", cells: () => ({ born: "1850-01-01" }) },
  number: { code: "invalid_number", column: "credit", cells: () => ({ credit: "ten" }) },
  decimals: { code: "too_many_decimals", column: "credit", cells: () => ({ credit: "1.234" }) },
  numberRange: { code: "out_of_range", column: "credit", cells: () => ({ credit: "-1" }) },
  smallint: { code: "out_of_range", column: "logins", cells: () => ({ logins: "40000" }) },
  boolean: { code: "invalid_boolean", column: "active", cells: () => ({ active: "perhaps" }) },
  enum: { code: "not_an_option", column: "tier", cells: () => ({ tier: "platinum" }) },
  checkedWord: { code: "not_an_option", column: "language", cells: () => ({ language: "xx" }) },
  required: { code: "required", column: "full_name", cells: () => ({ full_name: "" }) },
  tooLong: {
    code: "too_long",
    column: "external_id",
    cells: (row) => ({ external_id: `C${row}`.padEnd(41, "x") }),
  },
  pattern: { code: "invalid", column: "postcode", cells: () => ({ postcode: "1O115" }) },
  domain: { code: "invalid", column: "phone", cells: () => ({ phone: "0301234" }) },
  item: { code: "invalid_item", column: "scores", cells: () => ({ scores: "1,x" }) },
  json: { code: "invalid_json", column: "settings", cells: () => ({ settings: '{"a":' }) },
  uuid: { code: "invalid_uuid", column: "homepage", cells: () => ({ homepage: "no-uuid" }) },
  email: { code: "invalid_email", column: "email", cells: () => ({ email: "nobody" }) },
  lookup: { code: "lookup_missing", column: "country", cells: () => ({ country: "XX" }) },
  check: { code: "rule_broken", column: null, cells: () => ({ tier: "gold", email: "" }) },
  sameKey: { code: "duplicate", column: "external_id", cells: (row) => ({ external_id: `C${row - 1}` }) },
  sameKeyFarAway: {
    code: "duplicate",
    column: "external_id",
    cells: (row) => ({ external_id: `C${row > FAR ? row - FAR : row - 2}` }),
  },
  sameEmailInFile: { code: "not_unique", column: "email", cells: (row) => ({ email: emailOf(row - 1) }) },
  sameEmailInTable: { code: "duplicate", column: "email", cells: (_, nth) => ({ email: oldEmailOf(nth) }) },
  refusingTrigger: {
    code: "refused_by_trigger",
    column: null,
    cells: (row) => ({ full_name: `refuse ${row}` }),
  },
  skippingTrigger: {
    code: "skipped_by_trigger",
    column: null,
    cells: (row) => ({ full_name: `swallow ${row}` }),
  },
};

const KINDS = Object.values(MISTAKES);

const COUNTRIES = ["DE", "Germany", "FR", "IT", "Italy", ""];
const TIERS = ["gold", "silver", "bronze", "Bronze"];

const emailOf = (row: number) => `c${row}@example.com`;
/** The mail of the record `OLD<n>` of `shopRecords`. */
const oldEmailOf = (nth: number) => `old${nth}@example.com`;

function mistakeOf(row: number): { mistake: Mistake; nth: number } | null {
  if (row % GOOD_ROWS_PER_BAD !== BAD_AT) return null;
  const number = Math.floor(row / GOOD_ROWS_PER_BAD);
  const mistake = KINDS[number % KINDS.length];
  return mistake ? { mistake, nth: Math.floor(number / KINDS.length) } : null;
}

export const isGood = (row: number) => mistakeOf(row) === null;

/** @param row of the file, from 0 without the header */
function customerCells(row: number): CustomerCells {
  const found = mistakeOf(row);
  return {
    external_id: `C${row}`,
    full_name: `Customer ${row}`,
    email: emailOf(row),
    tier: TIERS[row % TIERS.length] ?? "",
    credit: (row / 100).toFixed(2),
    born: `19${10 + (row % 90)}-0${1 + (row % 9)}-1${row % 10}`,
    phone: `+49${100_000 + row}`,
    language: ["de", "fr", "it"][row % 3] ?? "",
    postcode: String(10_000 + (row % 90_000)),
    logins: String(row % 1000),
    active: row % 5 === 0 ? "no" : "yes",
    tags: "new,vip",
    scores: `${row % 7},${row % 11}`,
    settings: `{"row": ${row}}`,
    homepage: `00000000-0000-4000-8000-${row.toString(16).padStart(12, "0")}`,
    country: COUNTRIES[row % COUNTRIES.length] ?? "",
    ...(found ? found.mistake.cells(row, found.nth) : {}),
  };
}

const quoteCell = (cell: string) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

export const rowsUpTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, at) => from + at);

/** @param header the columns of the file */
export function customersFile(
  rows: readonly number[],
  {
    change = {},
    header = CUSTOMER_HEADER,
  }: { change?: Partial<CustomerCells>; header?: readonly CustomerColumn[] } = {},
): Blob {
  const lines = rows.map((row) => {
    const cells = { ...customerCells(row), ...change };
    return `${header.map((name) => quoteCell(cells[name])).join(",")}\n`;
  });
  return new Blob([`${header.join(",")}\n`, ...lines]);
}

/** The number of rows per code and column. */
export function expectedErrors(rows: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let row = 0; row < rows; row++) {
    const found = mistakeOf(row);
    if (!found) continue;
    const { code, column } = found.mistake;
    const key = column === null ? code : `${code} ${column}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** The good rows as the table must have them, as one hash over the lines of `STORED_CUSTOMERS`. */
export function hashOfGoodRows(rows: number): string {
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) if (isGood(row)) lines.push(storedLine(row));
  const hash = createHash("md5");
  for (const line of lines.toSorted()) hash.update(`${line}\n`);
  return hash.digest("hex");
}

function storedLine(row: number): string {
  const cells = customerCells(row);
  const country = { DE: "DE", Germany: "DE", FR: "FR", IT: "IT", Italy: "IT" }[cells.country] ?? "";
  return [
    ...[cells.external_id, cells.full_name, cells.email, cells.tier.toLowerCase(), cells.credit, cells.born],
    ...[cells.phone, cells.language, cells.postcode, cells.logins, cells.active === "yes" ? "true" : "false"],
    ...[`{${cells.tags}}`, `{${cells.scores}}`, cells.settings, cells.homepage, country],
  ].join("|");
}

/** The hash of the same lines, as PostgreSQL reads them. */
export const STORED_CUSTOMERS = `
  SELECT md5(string_agg(line || E'\\n', '' ORDER BY line COLLATE "C")) AS hash FROM (
    SELECT concat_ws('|', external_id, full_name, email, tier, credit, born, phone, language, postcode, logins,
      active::text, tags::text, scores::text, settings::text, homepage, coalesce(trim(iso2), '')) AS line
    FROM shop.customers LEFT JOIN shop.countries ON countries.id = country_id WHERE external_id LIKE 'C%') AS lines`;

/** Records that exist before the import, and a trigger that refuses some names and skips others. */
export const shopRecords = (count: number) => `
INSERT INTO shop.customers (external_id, full_name, email) SELECT 'OLD' || n, 'Old ' || n, 'old' || n || '@example.com' FROM generate_series(0, ${count - 1}) AS n;
CREATE FUNCTION shop.guard_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.full_name LIKE 'swallow%' THEN RETURN NULL; END IF;
  IF NEW.full_name LIKE 'refuse%' THEN RAISE EXCEPTION 'The shop does not serve %.', NEW.full_name; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_customers BEFORE INSERT OR UPDATE ON shop.customers FOR EACH ROW EXECUTE FUNCTION shop.guard_customers();`;
