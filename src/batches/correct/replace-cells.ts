/** Finds a text in one column of failed and unprocessed rows, and replaces it. */
import { setImmediate as letOthers } from "node:timers/promises";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError, invalidField, requireExpected } from "../../errors.ts";
import { ByteBudget } from "../../platform/byte-budget.ts";
import { listNames } from "../../targets/names.ts";
import { secretPositions } from "../../targets/secrets.ts";
import type { Batch } from "../transitions.ts";
import { changeCells, lockCorrectable } from "./apply-correction.ts";
import { requireCellBytes } from "./edit-rows.ts";
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
/** The characters that are searched at a time. */
const TURN_LENGTH = 2 ** 18;
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
  const replaceIn = replacerOf(ctx, replacement);
  const samples: Sample[] = [];
  let matched = 0;
  const nextRow = await eachPage(replacement.filter, seconds, async (filter) => {
    const { rows, isLast } = await findCells(ctx, id, filter, column, { withFields: false });
    for await (const { row, cell: before } of cellsOf(rows)) {
      const after = replaceIn(before, row);
      if (after === before) continue;
      matched++;
      if (samples.length < MAX_SAMPLES)
        samples.push({ row, before: shortened(before), after: shortened(after) });
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
  const replaceIn = replacerOf(ctx, replacement);
  let changed = 0;
  const nextRow = await eachPage(replacement.filter, seconds, (filter) =>
    inTransaction(ctx, async (tx) => {
      const batch = await lockCorrectable(tx, userId, batchId);
      const { rows, isLast } = await findCells(tx, batchId, filter, column, { withFields: true });
      const page = await changePage(tx, batch, rows, column.position, replaceIn);
      changed += page.changed;
      return { last: page.last, isLast: isLast && page.last === rows.at(-1)?.row };
    }).catch((error) => {
      // The batch was retried after the first pages: their edits stay.
      if (changed === 0 || !(error instanceof DomainError)) throw error;
      return { last: undefined, isLast: true };
    }),
  );
  return { changed, nextRow };
}

/**
 * Changes rows until their new cells have PAGE_BYTES: a short cell can get a long text.
 * @returns also the last row that it has looked at
 */
async function changePage(
  tx: Tx,
  batch: Batch,
  rows: readonly FoundRow[],
  position: number,
  replaceIn: ReplaceIn,
): Promise<{ readonly changed: number; readonly last: number | undefined }> {
  const changed: { row: number; fields: string[]; cells: string[] }[] = [];
  let last: number | undefined;
  let bytes = 0;
  for await (const { row, fields, cell: before } of cellsOf(rows)) {
    if (bytes >= PAGE_BYTES) break;
    last = row;
    const after = replaceIn(before, row);
    if (after === before) continue;
    bytes += Buffer.byteLength(after);
    const padded = [...fields, ...Array<string>(Math.max(0, position + 1 - fields.length)).fill("")];
    changed.push({ row, fields, cells: padded.with(position, after) });
  }
  if (changed.length > 0) await changeCells(tx, batch.id, changed);
  return { changed: changed.length, last };
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

/** Yields the cell of each row. Other requests get a turn in between: to search 4 MiB can take a second. */
async function* cellsOf(rows: readonly FoundRow[]) {
  let searched = 0;
  for (const { row, fields, cell: json } of rows) {
    const cell = json === null ? "" : (JSON.parse(json) as string);
    yield { row, fields: fields ?? [], cell };
    searched += cell.length;
    if (searched < TURN_LENGTH) continue;
    searched = 0;
    await letOthers();
  }
}

function shortened(cell: string): string {
  return cell.length > SAMPLE_LENGTH ? `${cell.slice(0, SAMPLE_LENGTH)}…` : cell;
}

/** @throws DomainError `invalid_input` if the new cell is longer than CELL_MAX_BYTES */
type ReplaceIn = (cell: string, row: number) => string;

/** The text is found literally. A pattern of literal characters never backtracks. */
function replacerOf(ctx: Context, { find, replace, match, ignoreCase }: Replacement): ReplaceIn {
  const literal = find.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const pattern = match === "whole_cell" ? `^(?:${literal})$` : literal;
  const found = new RegExp(pattern, "giu");
  const replaceEach = (cell: string, put: () => string) => {
    if (ignoreCase) return cell.replace(found, put);
    if (match === "whole_cell") return cell === find ? put() : cell;
    return cell.replaceAll(find, put);
  };
  const size = Buffer.byteLength(replace);
  return (cell, row) => {
    let inserted = 0;
    const after = replaceEach(cell, () => {
      inserted += size;
      // Not only afterwards: a cell of a million commas could become gigabytes.
      requireCellBytes(ctx, row, inserted, "replace");
      return replace;
    });
    if (after !== cell) requireCellBytes(ctx, row, Buffer.byteLength(after), "replace");
    return after;
  };
}
