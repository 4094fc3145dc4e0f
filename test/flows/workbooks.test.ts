/** Large workbooks and a real API process: its memory, and what a killed one leaves. */
import { expect, test } from "vitest";
import { removeDeadFiles } from "../../src/files/remove-files.ts";
import type { Client } from "../support/client.ts";
import { count } from "../support/count.ts";
import { startPrograms } from "../support/processes.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { until } from "../support/until.ts";
import { uploadForm } from "../support/upload-form.ts";
import { workbook } from "../support/workbooks.ts";

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const ROWS = 400_000;
/** The parts of the process that grow: texts that cells share (STRINGS_BYTES), pieces of the file, rows, and garbage. */
const MAX_GROWTH_MIB = 120;

/** A sheet with a text of its own, a number, a date and a formula in each row; the texts are shared, as Excel does. */
function largeWorkbook(rows: number): Uint8Array<ArrayBuffer> {
  const pieces = [Buffer.from(`${DECLARATION}<worksheet><sheetData>`)];
  const texts = [Buffer.from(`${DECLARATION}<sst>`)];
  for (let from = 1; from <= rows; from += 10_000) {
    const numbers = Array.from({ length: 10_000 }, (_, at) => from + at);
    const row = (r: number) =>
      `<row r="${r}"><c r="A${r}" t="s"><v>${r - 1}</v></c><c r="B${r}"><v>${r}</v></c><c r="C${r}" s="1"><v>${
        40_000 + (r % 5000)
      }</v></c><c r="D${r}"><f>B${r}*2</f><v>${r * 2}</v></c></row>`;
    pieces.push(Buffer.from(numbers.map(row).join("")));
    texts.push(Buffer.from(numbers.map((r) => `<si><t>The text of row ${r}</t></si>`).join("")));
  }
  pieces.push(Buffer.from("</sheetData></worksheet>"));
  texts.push(Buffer.from("</sst>"));
  return new Uint8Array(
    workbook({
      sheets: [{ name: "Data", part: Buffer.concat(pieces) }],
      formats: ["dd.mm.yyyy"],
      shared: "",
      parts: [{ name: "xl/sharedStrings.xml", content: Buffer.concat(texts) }],
    }),
  );
}

test("two workbooks of 400,000 rows are read at once with little memory", async () => {
  await using rowmill = await startPrograms();
  const { program, client } = await rowmill.startApi();
  const users = await Promise.all(["ada", "bo"].map((name) => client.signUp(name)));
  const query = { target: "records", columns: "text,number,date,formula", header: "false" };
  const small = largeWorkbook(10_000);
  for (const user of users) expect((await uploadForm(user, small, { query })).status).toBe(202);
  const before = program.peakMemory;
  const file = largeWorkbook(ROWS);
  const startedAt = Date.now();
  const answers = await Promise.all(users.map((user) => uploadForm(user, file, { query })));
  for (const { status, body } of answers) {
    expect(status).toBe(202);
    expect(body.counts.total).toBe(ROWS);
  }
  const growth = Math.round(program.peakMemory - before);
  process.stdout.write(
    `two workbooks of ${ROWS} rows: ${Math.round(before)} + ${growth} MiB, ${Date.now() - startedAt} ms\n`,
  );
  expect(growth).toBeLessThan(MAX_GROWTH_MIB);
  expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.files")).toBe(0);
  const { rows } = await rowmill.ctx.pool.query<{ fields: string[] }>(
    "SELECT fields FROM rowmill.batch_rows WHERE batch_id = $1 AND row_number = $2",
    [answers[1]?.body.id, ROWS],
  );
  expect(rows[0]?.fields).toEqual([`The text of row ${ROWS}`, String(ROWS), "06.07.2009", String(2 * ROWS)]);
});

test("a workbook whose API was killed leaves no batch and no stored file", async () => {
  await using rowmill = await startPrograms();
  const { pool } = rowmill.ctx;
  const stored = () => count(pool, "SELECT count(*) FROM rowmill.file_chunks");
  const batchRows = () => count(pool, "SELECT count(*) FROM rowmill.batch_rows");
  const removed = async () => {
    const inTenMinutes = () => new Date(Date.now() + 600_000);
    expect(await removeDeadFiles(rowmill.ctx)).toBe(0);
    expect(await removeDeadFiles({ ...rowmill.ctx, now: inTenMinutes })).toBe(1);
    expect([await count(pool, "SELECT count(*) FROM rowmill.files"), await stored()]).toEqual([0, 0]);
  };

  // While the file arrives.
  const first = await rowmill.startApi();
  const user = await first.client.signUp("reader");
  using upload = new SlowUpload(user);
  await upload.send(`PK\x03\x04${"x".repeat(3_000_000)}`);
  await until("a chunk is stored", async () => (await stored()) > 0);
  await first.program.kill();
  expect(await upload.answer).toBeNull();
  expect(await count(pool, "SELECT count(*) FROM rowmill.batches")).toBe(0);
  await removed();

  // While its rows are read.
  const second = await rowmill.startApi();
  const again: Client = second.clientOf(user);
  const sending = uploadForm(again, largeWorkbook(300_000), {
    query: { target: "records", header: "false" },
  }).catch(() => null);
  await until("rows are stored", async () => (await batchRows()) > 0);
  await second.program.kill();
  expect(await sending).toBeNull();
  await removed();
});
