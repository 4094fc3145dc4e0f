/** Finds a text in one column of failed and unprocessed rows, and replaces it. */
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError, invalidField, requireExpected } from "../../errors.ts";
import { ByteBudget } from "../../platform/byte-budget.ts";
import { listNames } from "../../targets/names.ts";
import { secretPositions } from "../../targets/secrets.ts";
import type { Batch } from "../transitions.ts";
import { changeCells, lockCorrectable } from "./apply-correction.ts";
import { requireCell } from "./edit-rows.ts";
import { type FoundRow, findCells, PAGE_BYTES, type RowFilter, type SearchedColumn } from "./find-cells.ts";

export const MATCHES = ["contains", "whole_cell"] as const;

export interface Replacement {
  readonly column: string;
  /** Taken literally. Empty with `whole_cell`: finds empty cells. */
  readonly find: string;
  readonly replace: string;
  readonly match: (typeof MATCHES)[number];
  readonly ignoreCase: boolean;
  readonly filter: RowFilter;
  /** The number of matches from an earlier call. Absent: counts and changes nothing. */
  readonly expect?: number | undefined;
}

interface Sample {
  readonly row: number;
  readonly before: string;
  readonly after: string;
}

export interface Replaced {
  readonly matched: number;
  readonly changed: number;
  readonly samples: readonly Sample[];
  /** The first row that was not looked at, because the time was up; null: all were. */
  readonly nextRow: number | null;
}

const MAX_SAMPLES = 10;
/** Longer cells are shortened in samples. */
const SAMPLE_LENGTH = 200;
/** Reading a page and changing it takes a few times its size. */
const budget = new ByteBudget(2 * PAGE_BYTES);

/**
 * Replaces in pages, each in its own transaction, so that no lock is held for long.
 * @param seconds the time for counting, and again for changing
 * @throws DomainError `not_found`, `invalid_input`; `conflict` if the batch has not ended, or the number of matches is not `expect`
 */
export async function replaceCells(
  ctx: Context,
  userId: number,
  batchId: string,
  replacement: Replacement,
  seconds: number,
): Promise<Replaced> {
  const batch = await inTransaction(ctx, (tx) => lockCorrectable(tx, userId, batchId));
  const column = findColumn(batch, replacement);
  const counted = await countCells(ctx, batch, column, replacement, seconds);
  const { expect } = replacement;
  if (expect === undefined) return { ...counted, changed: 0 };
  requireExpected(counted.matched, expect);
  const changed = await changeAll(
    ctx,
    { userId, batchId, column },
    { ...replacement, ...upTo(replacement, counted) },
    seconds,
  );
  return { ...counted, ...changed, nextRow: changed.nextRow ?? counted.nextRow };
}

/** Changes only rows that were counted. */
function upTo(
  { filter }: Replacement,
  { nextRow }: { readonly nextRow: number | null },
): Pick<Replacement, "filter"> {
  return { filter: { ...filter, toRow: nextRow === null ? filter.toRow : nextRow - 1 } };
}

function findColumn(batch: Batch, { column, find, match, filter }: Replacement): SearchedColumn {
  const position = batch.header.indexOf(column);
  if (position === -1)
    throw invalidField("column", `Unknown column. Columns of the file: ${listNames(batch.header)}.`);
  const secrets = secretPositions(batch);
  if (secrets.includes(position))
    throw invalidField(
      "column",
      "The cells of this column are secret, so they cannot be searched. Edit the rows instead.",
    );
  if (find === "" && match === "contains")
    throw invalidField("find", 'must not be empty. To find empty cells, send `match: "whole_cell"`.');
  if (filter.unprocessed && filter.cause)
    throw invalidField("filter", "Unprocessed rows have no errors. Send either `unprocessed` or a cause.");
  return { position, width: batch.header.length, hasSecrets: secrets.length > 0 };
}

async function countCells(
  ctx: Context,
  { id }: Batch,
  column: SearchedColumn,
  replacement: Replacement,
  seconds: number,
): Promise<Omit<Replaced, "changed">> {
  const replaceIn = replacerOf(replacement);
  const samples: Sample[] = [];
  let matched = 0;
  const nextRow = await eachPage(replacement.filter, seconds, async (filter) => {
    const { rows, isLast } = await findCells(ctx, id, filter, column, { withFields: false });
    for (const found of rows) {
      const before = cellOf(found);
      const after = replaceIn(before);
      if (after === before) continue;
      matched++;
      requireCell(ctx, found.row, after, "replace");
      if (samples.length < MAX_SAMPLES)
        samples.push({ row: found.row, before: shortened(before), after: shortened(after) });
    }
    return { last: rows.at(-1)?.row, isLast };
  });
  return { matched, samples, nextRow };
}

interface Subject {
  readonly userId: number;
  readonly batchId: string;
  readonly column: SearchedColumn;
}

async function changeAll(
  ctx: Context,
  { userId, batchId, column }: Subject,
  replacement: Replacement,
  seconds: number,
): Promise<Pick<Replaced, "changed" | "nextRow">> {
  const replaceIn = replacerOf(replacement);
  let changed = 0;
  const nextRow = await eachPage(replacement.filter, seconds, (filter) =>
    inTransaction(ctx, async (tx) => {
      const batch = await lockCorrectable(tx, userId, batchId);
      const { rows, isLast } = await findCells(tx, batchId, filter, column, { withFields: true });
      changed += await changePage(tx, batch, rows, column.position, replaceIn);
      return { last: rows.at(-1)?.row, isLast };
    }).catch((error) => {
      // The batch was retried after the first pages: their edits stay.
      if (changed === 0 || !(error instanceof DomainError)) throw error;
      return { last: undefined, isLast: true };
    }),
  );
  return { changed, nextRow };
}

async function changePage(
  tx: Tx,
  batch: Batch,
  rows: readonly FoundRow[],
  position: number,
  replaceIn: (cell: string) => string,
): Promise<number> {
  const changed = rows.flatMap((found) => {
    const before = cellOf(found);
    const after = replaceIn(before);
    if (after === before) return [];
    requireCell(tx, found.row, after, "replace");
    const fields = found.fields ?? [];
    const padded = [...fields, ...Array<string>(Math.max(0, position + 1 - fields.length)).fill("")];
    return [{ row: found.row, fields, cells: padded.with(position, after) }];
  });
  if (changed.length > 0) await changeCells(tx, batch.id, changed);
  return changed.length;
}

/** @returns the first row that was not looked at because the time was up; null: all were */
async function eachPage(
  filter: RowFilter,
  seconds: number,
  visit: (filter: RowFilter) => Promise<{ readonly last: number | undefined; readonly isLast: boolean }>,
): Promise<number | null> {
  const endsAt = performance.now() + seconds * 1000;
  for (let { fromRow } = filter; fromRow <= filter.toRow; ) {
    if (performance.now() >= endsAt) return fromRow;
    using _ = await budget.take(PAGE_BYTES);
    const { last, isLast } = await visit({ ...filter, fromRow });
    if (isLast || last === undefined) return null;
    fromRow = last + 1;
  }
  return null;
}

function cellOf({ cell }: FoundRow): string {
  return cell === null ? "" : (JSON.parse(cell) as string);
}

function shortened(cell: string): string {
  return cell.length > SAMPLE_LENGTH ? `${cell.slice(0, SAMPLE_LENGTH)}…` : cell;
}

/** The text is found literally. A pattern of literal characters never backtracks. */
function replacerOf({ find, replace, match, ignoreCase }: Replacement): (cell: string) => string {
  const literal = find.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const pattern = match === "whole_cell" ? `^(?:${literal})$` : literal;
  if (ignoreCase) {
    const found = new RegExp(pattern, "giu");
    return (cell) => cell.replace(found, () => replace);
  }
  if (match === "whole_cell") return (cell) => (cell === find ? replace : cell);
  return (cell) => cell.replaceAll(find, () => replace);
}
