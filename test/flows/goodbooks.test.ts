/** 10,000 real books become records of a table that is made from the beginning of their file, with the command line. */
import { existsSync } from "node:fs";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Papa from "papaparse";
import { expect, test } from "vitest";
import type { Column, Definition } from "../../src/console/pages/admin/targets/definition/definition.ts";
import { createTableSql } from "../../src/console/pages/admin/targets/guess/create-table.ts";
import {
  definitionOf,
  proposeColumns,
  withType,
} from "../../src/console/pages/admin/targets/guess/propose-from-file.ts";
import { PAGE_LIMITS } from "../../src/console/pages/imports/preview/limits.ts";
import { readPreview } from "../../src/console/pages/imports/preview/read-preview.ts";
import { provideTargetRole } from "../../src/targets/tables/access/provide-target-role.ts";
import { checkout } from "../support/commands.ts";
import { startShop } from "../support/own-shop.ts";
import { RemoteCommand } from "../support/remote-command.ts";

const goodbooks = join(checkout, "../shared/data/goodbooks-10k.csv");

const TYPES = {
  ...{ book_id: "integer", goodreads_book_id: "integer", best_book_id: "integer", work_id: "integer" },
  ...{ books_count: "integer", isbn: "text", isbn13: "text", authors: "text" },
  ...{ original_publication_year: "decimal", original_title: "text", title: "text" },
  ...{ language_code: "enum", average_rating: "decimal", ratings_count: "integer" },
  ...{ work_ratings_count: "integer", work_text_reviews_count: "integer" },
  ...{ ratings_1: "integer", ratings_2: "integer", ratings_3: "integer", ratings_4: "integer" },
  ...{ ratings_5: "integer", image_url: "url", small_image_url: "url" },
};

/** As an administrator uses the page: the first 200 rows have few languages, but others may come. */
async function defineFrom(content: Uint8Array<ArrayBuffer>): Promise<Definition> {
  const { names, rows } = await readPreview(new File([content], "goodbooks-10k.csv"), {}, PAGE_LIMITS);
  const cells = rows.map((row) => row.cells);
  const proposal = proposeColumns(names, cells);
  const columns = proposal.columns.map(({ column }) => column);
  expect(Object.fromEntries(columns.map(({ name, type }) => [name, type]))).toEqual(TYPES);
  const doubted = proposal.columns.filter(({ doubts }) => doubts.length > 0);
  expect(doubted.map(({ column }) => column.name)).toEqual(["isbn13", "language_code"]);
  const confirm = (column: Column) => (column.type === "enum" ? withType(column, "text") : column);
  const destination = { type: "table", schema: "shop", table: "goodbooks" } as const;
  return definitionOf(proposal, columns.map(confirm), destination);
}

test.skipIf(!existsSync(goodbooks))(
  "10,000 books become records of a table that is made from the file (needs ../shared/data/goodbooks-10k.csv)",
  async () => {
    const content = await readFile(goodbooks);
    const definition = await defineFrom(content);
    await using shop = await startShop();
    await shop.query(createTableSql(definition));
    await provideTargetRole({ ...shop.ctx.config, databaseUrl: shop.databaseUrl }, shop.ctx.log);
    const worker = await shop.startWorker();
    await using home = await mkdtempDisposable(join(tmpdir(), "rowmill-"));
    const command = new RemoteCommand({ XDG_CONFIG_HOME: home.path });
    const rowmill = async (...args: string[]) => {
      const ended = await command.run(args, { stdin: "correct horse\n" });
      expect(ended.code, ended.stderr).toBe(0);
      return ended.stdout;
    };
    await rowmill("login", shop.api.url, "--user", "root");
    const added = await rowmill("target", "add", "goodbooks", "--table", "shop.goodbooks");
    expect(added).toMatch(/goodbooks +1 +table +23 +book_id/);
    const ended = await rowmill("import", goodbooks, "--target", "goodbooks", "--watch", "--json");
    expect(JSON.parse(ended)).toMatchObject({
      state: "completed",
      counts: { total: 10_000, success: 10_000 },
      records: { created: 10_000 },
    });

    // Another reader, and the rules of the guide: blanks around cells are removed, and empty cells are null.
    const { data } = Papa.parse<Record<string, string>>(content.toString("utf8"), {
      header: true,
      skipEmptyLines: true,
    });
    const numbers = definition.columns.filter(({ type }) => type === "integer" || type === "decimal");
    const readCell = ({ name }: Column, cell = "") => {
      const text = cell.trim();
      if (text === "") return null;
      return numbers.some((column) => column.name === name) ? Number(text) : text;
    };
    const wanted = new Map(
      data.map((row) => [
        Number(row.book_id),
        definition.columns.map((column) => readCell(column, row[column.name])),
      ]),
    );
    const stored = await shop.query<Record<string, string | null>>("SELECT * FROM shop.goodbooks");
    expect(stored).toHaveLength(10_000);
    const wrong = stored.filter((record) => {
      const values = definition.columns.map((column) => readCell(column, record[column.name] ?? ""));
      return JSON.stringify(values) !== JSON.stringify(wanted.get(Number(record.book_id)));
    });
    expect(wrong).toEqual([]);
    const sums = numbers.map(({ name }) => `sum(${name})::float8 AS ${name}`);
    const [summed] = await shop.query<Record<string, number>>(
      `SELECT ${sums.join(", ")} FROM shop.goodbooks`,
    );
    for (const { name } of numbers) {
      const sum = data.reduce((total, row) => total + Number(row[name]), 0);
      expect(summed?.[name], name).toBeCloseTo(sum, 4);
    }
    await worker.stop();
  },
  240_000,
);
