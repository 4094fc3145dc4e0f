import { sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { listNames } from "../../targets/names.ts";
import { MASK, secretPositions } from "../../targets/secrets.ts";
import { partsOf, SLICE_BYTES } from "../process/read/read-open-rows.ts";
import type { Batch } from "../transitions.ts";
import { changeCells, lockCorrectable } from "./apply-correction.ts";

/** Rows per request. */
export const MAX_EDITED_ROWS = 1000;

export interface RowEdit {
  readonly row: number;
  /** New cells by column of the file. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface Edited {
  readonly matched: number;
  /** Rows whose cells differ from before. */
  readonly changed: number;
}

/**
 * Changes cells of several failed or unprocessed rows, all or none. The rows are not retried.
 * @throws DomainError `not_found`, `conflict` if the batch has not ended, or `invalid_input` that names the row
 */
export function editRows(
  ctx: Context,
  userId: number,
  batchId: string,
  edits: readonly RowEdit[],
): Promise<Edited> {
  return inTransaction(ctx, async (tx) => {
    const batch = await lockCorrectable(tx, userId, batchId);
    const byRow = checkEdits(tx, batch, edits);
    const sizes = await readSizes(tx, batchId, edits);
    let changed = 0;
    for (const part of partsOf(sizes, SLICE_BYTES)) changed += await editPart(tx, batch, byRow, part);
    return { matched: edits.length, changed };
  });
}

/** The edits by the number of their row. */
type EditsByRow = ReadonlyMap<number, RowEdit>;

function checkEdits(tx: Tx, { header }: Batch, edits: readonly RowEdit[]): EditsByRow {
  const columns = new Set(header);
  const byRow = new Map<number, RowEdit>();
  for (const [at, edit] of edits.entries()) {
    if (byRow.has(edit.row)) throw invalidField(`rows.${at}.row`, `Row ${edit.row} occurs twice.`);
    byRow.set(edit.row, edit);
    for (const [name, cell] of Object.entries(edit.fields)) {
      const field = `rows.${at}.fields.${name}`;
      if (!columns.has(name))
        throw invalidField(
          field,
          `Row ${edit.row}: unknown column. Columns of the file: ${listNames(header)}.`,
        );
      requireCellBytes(tx, edit.row, Buffer.byteLength(cell), field);
    }
  }
  return byRow;
}

/** @throws DomainError `invalid_input` if these are more than CELL_MAX_BYTES */
export function requireCellBytes({ config }: Context, row: number, bytes: number, field: string): void {
  if (bytes <= config.cellMaxBytes) return;
  throw invalidField(field, `Row ${row}: the cell exceeds ${config.cellMaxBytes} bytes (CELL_MAX_BYTES).`);
}

async function readSizes(tx: Tx, batchId: string, edits: readonly RowEdit[]) {
  const numbers = sql.param(edits.map(({ row }) => row));
  const { rows } = await tx.db.execute<{
    at: number;
    row: number;
    bytes: number | null;
    status: string | null;
  }>(sql`
    SELECT edit.at::int - 1 AS at, edit.row, rows.bytes, results.status
    FROM unnest(${numbers}::int[]) WITH ORDINALITY AS edit (row, at)
    LEFT JOIN LATERAL (
      SELECT octet_length(fields::text) AS bytes FROM rowmill.batch_rows
      WHERE batch_id = ${batchId} AND row_number = edit.row LIMIT 1
    ) AS rows ON true
    LEFT JOIN LATERAL (
      SELECT status FROM rowmill.row_results WHERE batch_id = ${batchId} AND row_number = edit.row LIMIT 1
    ) AS results ON true
    ORDER BY edit.row`);
  return rows.map(({ at, row, bytes, status }) => {
    if (bytes === null) throw invalidField(`rows.${at}.row`, `The batch has no row ${row}.`);
    if (status === "success") {
      const message = `Row ${row} has succeeded. Only failed and unprocessed rows can be edited.`;
      throw invalidField(`rows.${at}.row`, message);
    }
    return { row, bytes };
  });
}

async function editPart(
  tx: Tx,
  batch: Batch,
  byRow: EditsByRow,
  { firstRow, lastRow }: { readonly firstRow: number; readonly lastRow: number },
): Promise<number> {
  const numbers = [...byRow.keys()].filter((row) => row >= firstRow && row <= lastRow);
  const { rows } = await tx.db.execute<{ row: number; fields: string[]; problem: string | null }>(sql`
    SELECT row_number AS row, fields, problem FROM rowmill.batch_rows
    WHERE batch_id = ${batch.id} AND row_number BETWEEN ${firstRow} AND ${lastRow}
      AND row_number = ANY(${sql.param(numbers)}::int[]) ORDER BY row_number`);
  const secrets = new Set(secretPositions(batch));
  const changed = rows
    .map((stored) => {
      const fields = byRow.get(stored.row)?.fields ?? {};
      // Like an edit of one row: it removes cells beyond the header and fills up a row that is too short.
      const cells = batch.header.map((name, at) => {
        const cell = Object.hasOwn(fields, name) ? fields[name] : undefined;
        const isMasked = cell === MASK && (secrets.has(at) || (secrets.size > 0 && stored.problem !== null));
        return (isMasked ? undefined : cell) ?? stored.fields[at] ?? "";
      });
      return { ...stored, cells };
    })
    .filter(
      ({ cells, fields, problem }) => problem !== null || JSON.stringify(cells) !== JSON.stringify(fields),
    );
  if (changed.length > 0) await changeCells(tx, batch.id, changed);
  return changed.length;
}
