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
  return { cells, problems, dialect: csv.dialect };
}

describe.skipIf(csvFixtures.length === 0)(`public files (${csvFixtures.length || whyNoFixtures})`, () => {
  test.each(csvFixtures.filter((fixture) => isStrictlyValid(fixture) && !OTHER_ANSWERS.has(fixture.file)))(
    "$file is read correctly",
    async (fixture) => {
      const { cells: rows, dialect } = await read(fixture, {});
      expect(rows).toHaveLength(Math.max(0, fixture.records - 1));
      const all = await read(fixture, {
        delimiter: dialect.delimiter,
        quote: dialect.quote,
        escape: dialect.escape,
        header: false,
      });
      expect(all.cells).toHaveLength(fixture.records);
      expect(hashOfCells(all.cells)).toBe(fixture.cells_sha1);
      expect(all.problems).toBe(0);
    },
  );

  test.each(csvFixtures.filter((fixture) => !isStrictlyValid(fixture) && !OTHER_ANSWERS.has(fixture.file)))(
    "broken $file loses no record",
    async (fixture) => {
      const answer = await read(fixture, {}).catch((error: unknown) => error);
      if (answer instanceof DomainError) expect(answer.message).toMatch(/^Row \d+ |^file: The header/);
      else expect(answer).toMatchObject({ cells: { length: fixture.records - 1 } });
    },
  );
});
