/** Exports the rows of a batch and their results as a file. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError, notFound } from "../../errors.ts";
import { DOWNLOAD_PAGE_BYTES, RELEASE } from "../../platform/http/bounded-answers.ts";
import { getState, type StoredBatch } from "../queries.ts";
import { addedBytes, readMeasuredPage } from "./measured-pages.ts";
import { type ResultFormat, resultWriter } from "./result-formats.ts";
import { hasStatus, type Range, type ResultFile } from "./result-ranges.ts";
import type { ResultRow, RowText } from "./result-rows.ts";
import { mayBeShort, readShortPage } from "./short-pages.ts";

/** Each page is one short query, so a slow client holds neither a connection nor a snapshot that would block vacuum. */
const PAGE_ROWS = 4000;
const FIRST_PAGE_ROWS = 1000;
/** Below this many rows, a page has long rows, and measuring them twice would take as long as reading them. */
const MIN_SHORT_ROWS = 16;
/** How full a page of short rows is on average. If its range has more bytes than a page, it has been measured for nothing. */
const FULL = 0.9;
/** The database measures every row of a range, so a range should not be much longer than the page that it fills. */
const RANGE_OF_PAGE = 1.1;

export interface ExportOptions {
  readonly file: ResultFile;
  readonly format: ResultFormat;
  /** Whether a CSV begins with a byte order mark. */
  readonly withBom: boolean;
}

/**
 * Yields the text of the file, with rows in the order of the upload. Each page reflects the time at which it is read.
 * @throws DomainError `conflict` if the batch is still being received
 */
export async function exportResults(
  ctx: Context,
  batch: StoredBatch,
  { file, format, withBom }: ExportOptions,
): Promise<AsyncGenerator<string>> {
  if (batch.state === "receiving") {
    const message = "The batch is still being received. Download its results when its state is `queued`.";
    throw new DomainError("conflict", message);
  }
  const hasExtra = format === "csv" && (await hasExtraCells(ctx, batch));
  const writer = resultWriter(format, { header: batch.header, hasExtra }, { withBom });
  async function* text() {
    yield writer.head;
    for await (const page of resultPages(ctx, batch, file, format)) {
      yield writer.page(page);
      // While the next page waits for memory, nothing may refer to the rows and the text of this one.
      page.length = 0;
      yield RELEASE;
    }
    yield writer.tail;
  }
  return text();
}

interface Page {
  /** Empty: the file has no more rows. */
  readonly rows: (ResultRow | RowText)[];
  /** The next page begins after this row number. */
  readonly end: number;
}

async function* resultPages(
  ctx: Context,
  uploaded: StoredBatch,
  file: ResultFile,
  format: ResultFormat,
): AsyncGenerator<Page["rows"]> {
  const { id, totalRows } = uploaded;
  const added = addedBytes(uploaded, format);
  let { state } = uploaded;
  let rows = FIRST_PAGE_ROWS;
  const canBeShort = mayBeShort(uploaded);
  const readShort = async (range: Range): Promise<Page | null> => {
    if (!canBeShort || range.rows < MIN_SHORT_ROWS || (file !== "all" && file !== "success")) return null;
    await ctx.reserveMemory(DOWNLOAD_PAGE_BYTES);
    const limits = { addedBytes: added, maxBytes: DOWNLOAD_PAGE_BYTES };
    const read = () => readShortPage(ctx, { ...uploaded, state }, file, range, limits);
    let page = await read();
    for (; page.state !== state; page = await read()) {
      if (page.state === null) throw notFound("batch");
      state = page.state;
    }
    const { rows: found, bytes } = page;
    if (bytes !== null)
      rows = Math.ceil(range.rows * Math.min(2, (FULL * DOWNLOAD_PAGE_BYTES) / Math.max(bytes, 1)));
    rows = Math.min(rows, PAGE_ROWS);
    return found && { rows: found, end: range.after + range.rows };
  };
  const readMeasured = async (range: Range): Promise<Page> => {
    const batch = { ...uploaded, state: await getState(ctx, id) };
    const { items, hasMore } = await readMeasuredPage(ctx, batch, file, format, range);
    rows = Math.min(PAGE_ROWS, Math.ceil(hasMore ? items.length * RANGE_OF_PAGE : range.rows * 2));
    const isRange = !hasMore && file !== "unprocessed";
    return { rows: items, end: isRange ? range.after + range.rows : (items.at(-1)?.row ?? range.after) };
  };
  const read = async (after: number): Promise<Page> => {
    const range = { after, rows };
    const page = (await readShort(range)) ?? (await readMeasured(range));
    if (page.rows.length > 0 || file === "unprocessed") return page;
    const next = await nextRow(ctx, uploaded, file, page.end);
    return next === null ? page : read(next - 1);
  };
  let sent = 0;
  let page = await read(0);
  while (page.rows.length > 0) {
    // The database reads on while this page is written, unless its rows are long.
    const next = page.rows.length > 1 ? read(page.end) : null;
    // A client that disconnects leaves `next` without a reader, and its failure unhandled.
    next?.catch(() => {});
    // Writing a page blocks this process: the statement must have left before.
    await nextTurn();
    sent += page.rows.length;
    yield page.rows;
    page = await (next ?? read(page.end));
  }
  // An incomplete file must not look complete: the exception aborts the download.
  if (file === "all" && sent !== totalRows)
    throw new Error(`The batch ${id} has ${totalRows} rows, but only ${sent} could be read.`);
}

/** The first row of the file with a higher row number: blank lines leave gaps in the row numbers. */
async function nextRow(
  ctx: Context,
  { id }: StoredBatch,
  file: Exclude<ResultFile, "unprocessed">,
  after: number,
): Promise<number | null> {
  const source =
    file === "all" ? sql`rowmill.batch_rows WHERE true` : sql`rowmill.row_results WHERE ${hasStatus(file)}`;
  const { rows } = await ctx.db.execute<{ row: number }>(sql`
    SELECT row_number AS row FROM ${source} AND batch_id = ${id} AND row_number > ${after}
    ORDER BY row_number LIMIT 1`);
  return rows[0]?.row ?? null;
}

async function hasExtraCells(ctx: Context, { id, header, warnings }: StoredBatch): Promise<boolean> {
  if (warnings) return (warnings.extra_fields ?? 0) > 0;
  const { rows } = await ctx.db.execute<{ found: boolean }>(sql`
    SELECT EXISTS (SELECT FROM rowmill.batch_rows WHERE batch_id = ${id} AND json_array_length(fields) > ${header.length}) AS found`);
  return rows[0]?.found ?? false;
}
