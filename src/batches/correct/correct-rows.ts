import { lockOwners } from "../../accounts/lock-owners.ts";
import { type Context, inTransaction } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { undefuse } from "../../platform/csv/cells.ts";
import type { CsvRecord } from "../../platform/csv/parser.ts";
import { postgresError } from "../../platform/postgres/database.ts";
import { SQLSTATE } from "../../platform/sqlstates.ts";
import { batches } from "../../schema/batches.ts";
import { loadTargetOf } from "../../targets/define/load-target.ts";
import { EXTRA_COLUMN, RESULT_COLUMNS } from "../../targets/match-header.ts";
import { listNames, visible } from "../../targets/names.ts";
import { MASK, secretPositions } from "../../targets/secrets.ts";
import { retryWhileLocked } from "../control/lock-open-chunks.ts";
import { MAX_ROW_NUMBER, newBatchId } from "../ids.ts";
import type { NewRow } from "../receive/copy-row.ts";
import { longRowOf } from "../receive/long-rows.ts";
import { numberMarks } from "../receive/number-marks.ts";
import { openUpload } from "../receive/open-upload.ts";
import { requireStoredWithin } from "../receive/quota.ts";
import { storeRows } from "../receive/store-rows.ts";
import type { Batch } from "../transitions.ts";
import { prepareToday } from "../upkeep/prepare-today.ts";
import { removeBatch } from "../upkeep/remove-batch.ts";
import { signsOfLife } from "../upkeep/signs-of-life.ts";
import { applyCorrection, type CorrectionResult, lockCorrectable } from "./apply-correction.ts";

export interface Correction {
  readonly userId: number;
  readonly batchId: string;
  readonly file: AsyncIterable<Uint8Array>;
  /** Resolves at the end of the request. Throws if the file was cut off or a second file follows. */
  readonly finish: () => Promise<void>;
  /** Retry the unprocessed rows as well. */
  readonly unprocessed: boolean;
}

/**
 * Replaces cells of failed and unprocessed rows by those in the file, keeps the old cells in the history, and retries the
 * failed rows. The file is first stored as a batch of its own, so that a slow client holds no lock.
 * @throws DomainError `invalid_input` that names the column or the row, `conflict` or `not_found`; nothing was changed
 */
export async function correctRows(ctx: Context, correction: Correction): Promise<CorrectionResult> {
  const { userId, batchId } = correction;
  const batch = await inTransaction(ctx, (tx) => lockCorrectable(tx, userId, batchId));
  using longRow = longRowOf(userId);
  const marks = numberMarks(await loadTargetOf(ctx, batch), batch.locale);
  await using table = await openUpload(ctx, correction, { header: true, marks }, { longRow });
  if (!table.header)
    throw invalidField("file", "The file is empty. Send the corrected rows with their header.");
  const columns = findColumns(batch, table.header.names);
  const stagingId = await openStaging(ctx, batch);
  try {
    const source = { fileBytes: () => 0, check: () => requireStoredWithin(ctx, userId) };
    await storeRows(ctx, stagingId, rowsOf(table.records, columns), source).catch(explainDuplicate);
    using _signs = signsOfLife(ctx, [stagingId]);
    await table.finish();
    return await retryWhileLocked(() =>
      inTransaction(ctx, (tx) => applyCorrection(tx, correction, stagingId)),
    );
  } finally {
    await removeBatch(ctx, stagingId).catch((error) => {
      ctx.log.warn({ err: error, batchId: stagingId }, "cannot remove a correction; the reconciler will");
    });
  }
}

interface Columns {
  /** The position of `_row` in the file. */
  readonly row: number;
  /** The position in the file of each column of the batch; -1 if the file does not have it. */
  readonly positions: readonly number[];
  /** The positions in the batch of columns that are shown masked. */
  readonly secrets: readonly number[];
}

function findColumns(batch: Batch, fileHeader: readonly string[]): Columns {
  const { header } = batch;
  const names = fileHeader.map(undefuse);
  const row = names.indexOf(RESULT_COLUMNS[0]);
  if (row === -1) {
    throw invalidField("file", "The file has no column `_row`. Send a corrected result file of this batch.");
  }
  const resultColumns: readonly string[] = [...RESULT_COLUMNS, EXTRA_COLUMN];
  const unknown = names.find((name) => !header.includes(name) && !resultColumns.includes(name));
  if (unknown !== undefined) {
    throw invalidField(
      "file",
      `The batch has no column "${visible(unknown)}". Its columns: ${listNames(header)}.`,
    );
  }
  const positions = header.map((name) => names.indexOf(name));
  return { row, positions, secrets: secretPositions(batch) };
}

/** Cells are null if the file does not have them or shows them masked: they stay unchanged. */
async function* rowsOf(
  blocks: AsyncIterable<CsvRecord[]>,
  { row: rowColumn, positions, secrets }: Columns,
): AsyncGenerator<NewRow[]> {
  for await (const records of blocks) {
    yield records.map(({ row: line, fields, problem }) => {
      if (problem) throw invalidField("file", `Line ${line}: ${problem}`);
      const text = fields[rowColumn] ?? "";
      const row = Number(text);
      if (!Number.isInteger(row) || row < 1 || row > MAX_ROW_NUMBER) {
        const message = `Line ${line}: \`_row\` is "${text.slice(0, 50)}", which is not a row number.`;
        throw invalidField("file", message);
      }
      const cells = positions.map((position) => {
        // Not only in secret columns: all cells of a malformed row are shown masked.
        const isMasked = secrets.length > 0 && fields[position] === MASK;
        return position === -1 || isMasked ? null : undefuse(fields[position] ?? "");
      });
      return { row, fields: cells, problem: null };
    });
  }
}

function explainDuplicate(error: unknown): never {
  const pgError = postgresError(error);
  if (pgError?.code !== SQLSTATE.uniqueViolation) throw error;
  const [, row = "?"] = /, (\d+)\) already exists/.exec(pgError.detail ?? "") ?? [];
  throw invalidField("file", `Row ${row} occurs twice (column \`_row\`).`);
}

async function openStaging(ctx: Context, { id, userId, target, header, mapping }: Batch): Promise<string> {
  await prepareToday(ctx);
  const stagingId = newBatchId(ctx.now());
  const staging = {
    id: stagingId,
    correctionOf: id,
    userId,
    target,
    header,
    mapping,
    filename: "",
    rowDelayMs: 0,
  };
  await inTransaction(ctx, async (tx) => {
    await lockOwners(tx, [userId]);
    await tx.db.insert(batches).values(staging);
  });
  return stagingId;
}
