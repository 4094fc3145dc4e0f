import { describe, expect, test } from "vitest";
import { DomainError } from "../../../src/errors.ts";
import { type CsvOptions, openCsv } from "../../../src/platform/csv/open-csv.ts";
import {
  type CsvFixture,
  contentOf,
  csvFixtures,
  hashOfCells,
  isStrictlyValid,
  OTHER_ANSWERS,
  whyNoFixtures,
} from "../../support/csv-fixtures.ts";

const limits = {
  cellMaxBytes: 16_000_000,
  headerNameMaxBytes: 16_000_000,
  uploadMaxColumns: 16_000,
  uploadMaxRows: 1_000_000,
};

async function read(fixture: CsvFixture, options: CsvOptions) {
  const bytes = contentOf(fixture);
  async function* source() {
    for (let at = 0; at < bytes.length; at += 20_000) yield bytes.subarray(at, at + 20_000);
  }
  const csv = await openCsv(source(), options, limits);
  const cells: string[][] = [];
  let problems = 0;
  for await (const block of csv.records) {
    for (const { fields, problem } of block) {
      cells.push(fields);
      if (problem !== null) problems++;
    }
  }
  return { cells, problems, dialect: csv.dialect, warnings: csv.warnings };
}

/** Counts rows, and the rows that are left out. Blank lines above the table count too. */
function countRecords({ cells, dialect, warnings }: Awaited<ReturnType<typeof read>>): number {
  const { blank_rows: blank, repeated_headers: headers, other_table_rows: others } = warnings;
  return cells.length + dialect.header_rows + dialect.preamble_rows + blank + headers + others;
}

describe.skipIf(csvFixtures.length === 0)(`public files (${csvFixtures.length || whyNoFixtures})`, () => {
  test.each(csvFixtures.filter((fixture) => isStrictlyValid(fixture) && !OTHER_ANSWERS.has(fixture.file)))(
    "$file is read correctly",
    async (fixture) => {
      const answer = await read(fixture, {});
      const { dialect } = answer;
      expect(countRecords(answer)).toBeGreaterThanOrEqual(fixture.records);
      expect(countRecords(answer) - dialect.preamble_rows).toBeLessThanOrEqual(Math.max(1, fixture.records));
      const all = await read(fixture, {
        // Without the blanks that belong to it.
        delimiter: dialect.delimiter.slice(0, 1),
        quote: dialect.quote,
        escape: dialect.escape,
        header: false,
        skipBlankRows: false,
      });
      expect(all.cells).toHaveLength(fixture.records);
      expect(hashOfCells(all.cells)).toBe(fixture.cells_sha1);
      expect(all.problems).toBe(0);
    },
  );

  test.each(csvFixtures.filter((fixture) => !isStrictlyValid(fixture) && !OTHER_ANSWERS.has(fixture.file)))(
    "broken $file loses no record",
    async (fixture) => {
      const answer = await read(fixture, {}).catch((error: unknown) => {
        if (error instanceof DomainError) return error;
        throw error;
      });
      if (answer instanceof DomainError) expect(answer.message).toMatch(/^Row \d+ /);
      else expect(countRecords(answer)).toBeGreaterThanOrEqual(fixture.records);
    },
  );
});
