/** Customers with a column of each type that cells can have, as a German spreadsheet writes them. */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rowCheck } from "../../src/targets/columns/row-check.ts";
import type { Definition } from "../../src/targets/definition/definition.ts";
import { FLOOR_BATCH } from "./books-file.ts";
import { COPY_NULL, copyValue } from "./copy-text.ts";

/** The SQL type of each column, in the order of the file. */
const SQL_TYPES = {
  external_id: "text PRIMARY KEY",
  quantity: "integer",
  credit: "numeric(12,2)",
  active: "boolean",
  born: "date",
  seen: "timestamptz",
  email: "text",
  homepage: "text",
  ref: "uuid",
  tier: "text",
  meta: "jsonb",
  tags: "text[]",
} as const;

/** The definition of a target for `bench.customers`. */
export const typedDefinition: Definition = {
  destination: { type: "table", schema: "bench", table: "customers" },
  key: { columns: ["external_id"] },
  locale: {
    decimal: ",",
    group: ".",
    date_order: "dmy",
    timezone: "Europe/Berlin",
    true: ["ja", "x"],
    false: ["nein"],
    null: ["NULL", "-"],
  },
  columns: [
    { name: "external_id", type: "text", required: true, pattern: "^[A-Z]{2}[0-9]+$", transform: ["upper"] },
    { name: "quantity", type: "integer", minimum: 0 },
    { name: "credit", type: "decimal", precision: 12, scale: 2, currency: { symbols: ["€"] } },
    { name: "active", type: "boolean" },
    { name: "born", type: "date", formats: ["dd.MM.yyyy", "yyyy-MM-dd"], maximum: "today" },
    { name: "seen", type: "timestamp" },
    { name: "email", type: "email", transform: ["lower"] },
    { name: "homepage", type: "url" },
    { name: "ref", type: "uuid" },
    {
      name: "tier",
      type: "enum",
      values: [{ value: "gold", synonyms: ["G"] }, { value: "silver" }, { value: "bronze" }],
    },
    { name: "meta", type: "json" },
    { name: "tags", type: "array", items: { type: "text", max_length: 30 }, separator: "|" },
  ],
};

const names = typedDefinition.columns.map(({ name }) => name);

/** The statement that creates the table. */
export function typedTable(schema: string): string {
  const columns = Object.entries(SQL_TYPES).map(([name, type]) => `${name} ${type}`);
  return `CREATE TABLE ${schema}.customers (${columns.join(", ")})`;
}

/** The columns of the table from the texts of a JSON array of the same order. */
export function typedCasts(fields: string): string {
  return Object.values(SQL_TYPES)
    .map((type, index) => `(${fields}->>${index})::${type.replace(" PRIMARY KEY", "")}`)
    .join(", ");
}

const two = (number: number) => String(number).padStart(2, "0");

export function typedCells(row: number): string[] {
  const [day, month] = [two(1 + (row % 28)), two(1 + (row % 12))];
  return [
    `de${row}`,
    String(row % 5000),
    `${1 + (row % 9)}.${two(row % 100)}${row % 10},${two(row % 100)} €`,
    row % 3 === 0 ? "Nein" : "ja",
    `${day}.${month}.${1930 + (row % 75)}`,
    `${day}.${month}.2025 ${two(row % 24)}:${two(row % 60)}`,
    `Ada.Byron${row}@Example.com`,
    `https://example.com/customers/${row}`,
    `6F9619FF-8B86-D011-B42D-${row.toString(16).toUpperCase().padStart(12, "0")}`,
    ["Gold", "g", "silver", "Bronze"][row % 4] ?? "",
    `{"source": "shop", "row": ${row}, "tags": [1, 2.5, null]}`,
    `new|from ${day}|vip`,
  ];
}

/** The function that turns these cells into values, as an upload compiles it. */
export function typedCheck() {
  const mapping = Object.fromEntries(names.map((name, index) => [name, index]));
  return rowCheck(typedDefinition, { id: FLOOR_BATCH, userId: 1, mode: "insert", mapping, header: names });
}

/** Writes the CSV, and the values of the same rows as COPY text in the shape of `batch_rows` for the floor. */
export async function writeTyped(rows: number, csvPath: string, copyPath: string): Promise<void> {
  const check = typedCheck();
  const csv = createWriteStream(csvPath);
  const copy = createWriteStream(copyPath);
  csv.write(`${names.join(",")}\n`);
  for (let row = 0; row < rows; row++) {
    const cells = typedCells(row);
    const checked = check(cells, row + 2);
    if (!("values" in checked)) throw new Error(JSON.stringify(checked.errors));
    const values = JSON.stringify(names.map((name) => checked.values[name]));
    const written = [
      csv.write(
        `${cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`,
      ),
      copy.write(`${FLOOR_BATCH}\t${row + 2}\t${copyValue(values)}\t${COPY_NULL}\n`),
    ];
    if (!written[0]) await once(csv, "drain");
    if (!written[1]) await once(copy, "drain");
  }
  await Promise.all([csv, copy].map((stream) => once(stream.end(), "finish")));
}
