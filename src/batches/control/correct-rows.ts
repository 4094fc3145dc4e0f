/** Corrected rows of a batch that has ended: a results file comes back, and its rows are found by their `_row`. */
import { sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { type DomainError, invalidField } from "../../errors.ts";
import { undefuse } from "../../platform/csv/cells.ts";
import { type Csv, openCsv } from "../../platform/csv/open-csv.ts";
import { postgresError } from "../../platform/database.ts";
import { batches } from "../../schema/batches.ts";
import { EXTRA_COLUMN, RESULT_COLUMNS } from "../../targets/match-header.ts";
import { MASK, secretPositions } from "../../targets/secrets.ts";
import { MAX_ROW_NUMBER, newBatchId } from "../ids.ts";
import { type NewRow, storeRows } from "../receive/store-rows.ts";
import { type Batch, lockBatch, requireEdge } from "../take-edge.ts";
import { removeBatch } from "../upkeep/remove-batch.ts";
import { whenLetGo } from "./hold-chunks.ts";
import { retryRowsIn } from "./retry-rows.ts";

export interface Correction {
  readonly userId: number;
  readonly batchId: string;
  readonly file: AsyncIterable<Uint8Array>;
  readonly finish: () => Promise<void>;
  /** Also go on with rows that were left when the batch ended. */
  readonly unprocessed: boolean;
}

export interface Corrected {
  /** Rows whose cells changed. */
  readonly corrected: number;
  /** Rows that had succeeded already, and stay as they are. */
  readonly ignored: number;
  /** Rows that are put back to work. */
  readonly retried: number;
}

/**
 * Takes the cells of rows that failed or were left from the file, keeps the old ones in their history, and retries
 * those that failed. The file is stored beside the batch first, so that a slow client holds nothing up.
 * @throws DomainError that names the column or the row, or `conflict`; then nothing was changed
 */
export async function correctRows(ctx: Context, correction: Correction): Promise<Corrected> {
  const { userId, batchId } = correction;
  const batch = await inTransaction(ctx, (tx) => lockEnded(tx, userId, batchId));
  const csv = await openCsv(correction.file, {}, ctx.config);
  if (!csv.header) throw invalidField("file", "The file is empty. Its first line must be a header.");
  const columns = findColumns(batch, csv.header.names);
  const stagingId = await openStaging(ctx, batch);
  try {
    await storeRows(ctx, stagingId, rowsOf(csv, columns)).catch(explainDouble);
    await correction.finish();
    return await whenLetGo(() => inTransaction(ctx, (tx) => applyCorrection(tx, correction, stagingId)));
  } finally {
    await removeBatch(ctx, stagingId).catch((error) => {
      ctx.log.warn({ err: error, batchId: stagingId }, "a correction's rows are left to the reaper");
    });
  }
}

async function applyCorrection(
  tx: Context,
  { userId, batchId, unprocessed }: Correction,
  stagingId: string,
): Promise<Corrected> {
  const batch = await lockEnded(tx, userId, batchId);
  await requireKnownRows(tx, batch, stagingId);
  const { corrected, ignored, failedRows } = await applyPages(tx, batch, stagingId, userId);
  const retried = await retryRowsIn(tx, userId, batchId, { rows: failedRows, unprocessed });
  return { corrected, ignored, retried };
}

async function lockEnded(tx: Context, userId: number, batchId: string): Promise<Batch> {
  const batch = await lockBatch(tx, userId, batchId);
  requireEdge(batch, "retry", "corrected");
  return batch;
}

interface Columns {
  readonly row: number;
  /** Where the file has each column of the batch; -1 where it has not: then the cell stays. */
  readonly positions: readonly number[];
  /** Columns of the batch whose cells no file shows. */
  readonly secrets: readonly number[];
}

function findColumns(batch: Batch, found: readonly string[]): Columns {
  const { header } = batch;
  const names = found.map(undefuse);
  const row = names.indexOf(RESULT_COLUMNS[0]);
  if (row === -1) {
    throw invalidField(
      "file",
      "has no column `_row`, by which its rows are known; send a results file, corrected.",
    );
  }
  const ours: readonly string[] = [...RESULT_COLUMNS, EXTRA_COLUMN];
  const unknown = names.find((name) => !header.includes(name) && !ours.includes(name));
  if (unknown !== undefined) {
    throw invalidField(
      "file",
      `The batch has no column "${unknown}". It has: ${header.join(", ").slice(0, 500)}.`,
    );
  }
  const positions = header.map((name) => names.indexOf(name));
  return { row, positions, secrets: secretPositions(batch) };
}

/** Cells that the file does not have are null: they stay. */
async function* rowsOf(csv: Csv, { row: rowColumn, positions, secrets }: Columns): AsyncGenerator<NewRow[]> {
  for await (const records of csv.records) {
    yield records.map(({ row: line, fields, problem }) => {
      if (problem) throw invalidField("file", `Line ${line}: ${problem}`);
      const row = Number(fields[rowColumn]);
      if (!Number.isInteger(row) || row < 1 || row > MAX_ROW_NUMBER) {
        throw invalidField(
          "file",
          `Row ${line}: _row is "${(fields[rowColumn] ?? "").slice(0, 50)}", which is no row number.`,
        );
      }
      const cells = positions.map((at) => {
        // In any column: of a torn row all cells are shown masked.
        const isMasked = secrets.length > 0 && fields[at] === MASK;
        return at === -1 || isMasked ? null : undefuse(fields[at] ?? "");
      });
      return { row, fields: cells, problem: null };
    });
  }
}

function explainDouble(error: unknown): never {
  const known = postgresError(error);
  if (known?.code !== "23505") throw error;
  const [, row = "?"] = /, (\d+)\) already exists/.exec(known.detail ?? "") ?? [];
  throw invalidField("file", `_row ${row} is there twice.`);
}

async function openStaging(ctx: Context, { id, userId, target, header, mapping }: Batch): Promise<string> {
  const stagingId = newBatchId(ctx.now());
  await ctx.db.insert(batches).values({
    id: stagingId,
    correctionOf: id,
    userId,
    target,
    header,
    mapping,
    filename: "",
    rowDelayMs: 0,
  });
  return stagingId;
}

async function requireKnownRows(tx: Context, batch: Batch, stagingId: string): Promise<void> {
  const { rows } = await tx.db.execute<{ row: number }>(sql`
    SELECT row_number AS row FROM batch_rows AS staged WHERE batch_id = ${stagingId} AND NOT EXISTS (
      SELECT FROM batch_rows WHERE batch_id = ${batch.id} AND batch_rows.row_number = staged.row_number
    ) ORDER BY 1 LIMIT 1`);
  if (rows[0]) throw noSuchRow(rows[0].row);
}

function noSuchRow(row: number): DomainError {
  return invalidField("file", `_row ${row} is no row of this batch.`);
}

const PAGE_ROWS = 2000;

async function applyPages(tx: Context, batch: Batch, stagingId: string, userId: number) {
  const counts = { corrected: 0, ignored: 0 };
  const failedRows: number[] = [];
  for (let after = 0; ; ) {
    const { rows } = await tx.db.execute<{
      row: number;
      given: (string | null)[];
      fields: string[];
      problem: string | null;
      status: "success" | "failed" | null;
    }>(sql`
      SELECT staged.row_number AS row, staged.fields AS given, rows.fields, rows.problem, results.status
      FROM batch_rows AS staged
      JOIN batch_rows AS rows ON rows.batch_id = ${batch.id} AND rows.row_number = staged.row_number
      LEFT JOIN row_results AS results ON results.batch_id = ${batch.id} AND results.row_number = staged.row_number
      WHERE staged.batch_id = ${stagingId} AND staged.row_number > ${after}
      ORDER BY staged.row_number LIMIT ${PAGE_ROWS}`);
    const last = rows.at(-1);
    if (!last) return { ...counts, failedRows };
    after = last.row;
    const open = rows.filter(({ status }) => status !== "success");
    counts.ignored += rows.length - open.length;
    for (const { row, status } of open) if (status === "failed") failedRows.push(row);
    const changed = open
      .map((row) => ({ ...row, cells: row.given.map((cell, at) => cell ?? row.fields[at] ?? "") }))
      .filter(
        ({ cells, fields, problem }) => problem !== null || JSON.stringify(cells) !== JSON.stringify(fields),
      );
    counts.corrected += changed.length;
    if (changed.length > 0) await changeCells(tx, batch.id, userId, changed);
  }
}

async function changeCells(
  tx: Context,
  batchId: string,
  userId: number,
  rows: readonly { row: number; cells: readonly string[]; fields: readonly string[] }[],
): Promise<void> {
  const numbers = sql.param(rows.map(({ row }) => row));
  const before = sql.param(rows.map(({ fields }) => JSON.stringify(fields)));
  const after = sql.param(rows.map(({ cells }) => JSON.stringify(cells)));
  await tx.db.execute(sql`
    INSERT INTO row_history (batch_id, row_number, event, user_id, fields)
    SELECT ${batchId}, row, 'edited', ${userId}, fields::json
    FROM unnest(${numbers}::int[], ${before}::text[]) AS edited (row, fields)`);
  await tx.db.execute(sql`
    UPDATE batch_rows SET fields = cells::json, problem = NULL
    FROM unnest(${numbers}::int[], ${after}::text[]) AS edited (row, cells)
    WHERE batch_id = ${batchId} AND row_number = row`);
}
