import { describe, expect, test } from "vitest";
import type { BatchView } from "../../../src/batches/views.ts";
import { type CsvRecord, openCsv } from "../../../src/platform/csv/open-csv.ts";
import type { Problem } from "../../support/client.ts";
import {
  type CsvFixture,
  contentOf,
  csvFixtures,
  isStrictlyValid,
  whyNoFixtures,
} from "../../support/csv-fixtures.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const UPLOAD = "/api/v1/batches?target=records&force=true";
/** The unit tests of the reader read every file. */
const uploaded = csvFixtures.filter((_, index) => index % 12 === 0);

/** Small batches go ahead of large ones, and there is always another small one here. */
const WAIT_MS = 120_000;

describe.skipIf(uploaded.length === 0)(`public files (${uploaded.length || whyNoFixtures})`, () => {
  const rowmill = useRowmill({ worker: true });
  const user = useUser(rowmill);

  async function rowsReadOf(fixture: CsvFixture): Promise<CsvRecord[]> {
    async function* source() {
      yield contentOf(fixture);
    }
    const { records } = await openCsv(source(), {}, rowmill.ctx.config);
    const rows: CsvRecord[] = [];
    for await (const block of records) rows.push(...block);
    return rows;
  }

  async function rowsKeptOf(batchId: string) {
    const { rows } = await rowmill.ctx.pool.query<CsvRecord>(
      "SELECT row_number AS row, fields, problem FROM rowmill.batch_rows WHERE batch_id = $1 ORDER BY row_number",
      [batchId],
    );
    return rows;
  }

  test.concurrent.each(uploaded)("$file is stored or refused", { timeout: 2 * WAIT_MS }, async (fixture) => {
    const { status, body } = await user.upload<BatchView & Problem>(contentOf(fixture), UPLOAD);
    if (status !== 202) {
      expect([400, 413]).toContain(status);
      expect(body.detail).toMatch(/^Row \d+|^file: The file is empty|^The name of column \d+/);
      const isFine = isStrictlyValid(fixture) && fixture.records > 1;
      if (isFine) expect(body.detail).toMatch(/_MAX_(BYTES|COLUMNS)/);
      return;
    }
    const read = await rowsReadOf(fixture);
    expect(await rowsKeptOf(body.id)).toEqual(read);
    const { counts } = await user.finished(body.id, WAIT_MS);
    const refused = read.filter(({ problem }) => problem !== null).length;
    expect(counts).toMatchObject({ total: read.length, success: read.length - refused, failed: refused });
  });
});
