/** Exports the rows of a batch and their results as a file. */
import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { DOWNLOAD_PAGE_BYTES, RELEASE } from "../../platform/http/bounded-answers.ts";
import { getState, type StoredBatch } from "../queries.ts";
import { addedBytes, readMeasuredPage } from "./measured-pages.ts";
import { type ResultFormat, type ResultRow, resultWriter } from "./result-formats.ts";
import { hasStatus, type Range, type ResultFile } from "./result-ranges.ts";
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

async function* resultPages(
  ctx: Context,
  uploaded: StoredBatch,
  file: ResultFile,
  format: ResultFormat,
): AsyncGenerator<ResultRow[]> {
  const { id, totalRows } = uploaded;
  let rows = FIRST_PAGE_ROWS;
  const canBeShort = (file === "all" || file === "success") && mayBeShort(uploaded);
  const readShort = async (batch: StoredBatch, range: Range): Promise<ResultRow[] | null> => {
    if (!canBeShort || rows < MIN_SHORT_ROWS) return null;
    await ctx.reserveMemory(DOWNLOAD_PAGE_BYTES);
    const limits = { addedBytes: addedBytes(batch, format), maxBytes: DOWNLOAD_PAGE_BYTES };
    const { rows: page, bytes } = await readShortPage(ctx, batch, file, range, limits);
    if (bytes !== null)
      rows = Math.ceil(rows * Math.min(2, (FULL * DOWNLOAD_PAGE_BYTES) / Math.max(bytes, 1)));
    rows = Math.min(rows, PAGE_ROWS);
    return page;
  };
  const read = async (after: number): Promise<ResultRow[]> => {
    const batch = { ...uploaded, state: await getState(ctx, id) };
    const range = { after, rows };
    let page = await readShort(batch, range);
    if (page === null) {
      const { items, hasMore } = await readMeasuredPage(ctx, batch, file, format, range);
      rows = Math.min(PAGE_ROWS, Math.ceil(hasMore ? items.length * RANGE_OF_PAGE : range.rows * 2));
      page = items;
    }
    if (page.length > 0 || file === "unprocessed") return page;
    const next = await nextRow(ctx, batch, file, after + range.rows);
    return next === null ? [] : read(next - 1);
  };
  let sent = 0;
  let page = await read(0);
  while (page.length > 0) {
    const last = page.at(-1)?.row ?? 0;
    // The database reads on while this page is written, unless its rows are long.
    const next = page.length > 1 ? read(last) : null;
    // A client that disconnects leaves `next` without a reader, and its failure unhandled.
    next?.catch(() => {});
    sent += page.length;
    yield page;
    page = await (next ?? read(last));
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
