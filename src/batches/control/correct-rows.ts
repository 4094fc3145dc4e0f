import { type Context, inTransaction } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { undefuse } from "../../platform/csv/cells.ts";
import { type Csv, openCsv } from "../../platform/csv/open-csv.ts";
import { postgresError } from "../../platform/postgres/database.ts";
import { SQLSTATE } from "../../platform/sqlstates.ts";
import { batches } from "../../schema/batches.ts";
import { EXTRA_COLUMN, RESULT_COLUMNS } from "../../targets/match-header.ts";
import { MASK, secretPositions } from "../../targets/secrets.ts";
import { MAX_ROW_NUMBER, newBatchId } from "../ids.ts";
import { type NewRow, storeRows } from "../receive/store-rows.ts";
import type { Batch } from "../transitions.ts";
import { removeBatch } from "../upkeep/remove-batch.ts";
import { applyCorrection, type Corrected, lockEnded } from "./apply-correction.ts";
import { retryWhileLocked } from "./lock-open-chunks.ts";

export interface Correction {
  readonly userId: number;
  readonly batchId: string;
  readonly file: AsyncIterable<Uint8Array>;
  readonly finish: () => Promise<void>;
  /** Also go on with rows that were left when the batch ended. */
  readonly unprocessed: boolean;
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
    return await retryWhileLocked(() =>
      inTransaction(ctx, (tx) => applyCorrection(tx, correction, stagingId)),
    );
  } finally {
    await removeBatch(ctx, stagingId).catch((error) => {
      ctx.log.warn({ err: error, batchId: stagingId }, "a correction's rows are left to the reaper");
    });
  }
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
  if (known?.code !== SQLSTATE.uniqueViolation) throw error;
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
