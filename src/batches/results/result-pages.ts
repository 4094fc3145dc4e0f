/** Reads the pages of a result file, and finds out how many rows a page can have. */
import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { DOWNLOAD_PAGE_BYTES } from "../../platform/http/bounded-answers.ts";
import { getState, type StoredBatch } from "../queries.ts";
import { addedBytes, readMeasuredPage } from "./measured-pages.ts";
import type { ResultFormat } from "./result-formats.ts";
import { hasStatus, type Range, type ResultFile } from "./result-ranges.ts";
import type { ResultRow, RowText } from "./result-rows.ts";
import { mayBeShort, readShortPage, type ShortPage } from "./short-pages.ts";

/** Each page is one short query, so a slow client holds neither a connection nor a snapshot that would block vacuum. */
const PAGE_ROWS = 4000;
const FIRST_PAGE_ROWS = 1000;
/** Below this many rows, a page has long rows, and measuring them twice would take as long as reading them. */
const MIN_SHORT_ROWS = 16;
/** How full a page of short rows is on average. If its range has more bytes than a page, it has been measured for nothing. */
const FULL = 0.9;
/** The database measures every row of a range, so a range should not be much longer than the page that it fills. */
const RANGE_OF_PAGE = 1.1;

export interface Page {
  /** Empty: the file has no more rows. */
  readonly rows: (ResultRow | RowText)[];
  /** The next page begins after this row number. */
  readonly end: number;
}

export class ResultPages {
  readonly #ctx: Context;
  readonly #file: ResultFile;
  readonly #format: ResultFormat;
  readonly #canBeShort: boolean;
  readonly #addedBytes: number;
  /** As it was before the first page, but for its state. */
  #batch: StoredBatch;
  /** The rows of the next range. */
  #rows = FIRST_PAGE_ROWS;

  constructor(ctx: Context, batch: StoredBatch, file: ResultFile, format: ResultFormat) {
    this.#ctx = ctx;
    this.#batch = batch;
    this.#file = file;
    this.#format = format;
    this.#canBeShort = mayBeShort(batch);
    this.#addedBytes = addedBytes(batch, format);
  }

  /** Reads the rows after a row number. */
  async read(after: number): Promise<Page> {
    const range = { after, rows: this.#rows };
    const page = (await this.#readShort(range)) ?? (await this.#readMeasured(range));
    const file = this.#file;
    if (page.rows.length > 0 || file === "unprocessed") return page;
    const next = await nextRow(this.#ctx, this.#batch, file, page.end);
    return next === null ? page : this.read(next - 1);
  }

  /** null: the rows of the range must be measured one by one. */
  async #readShort(range: Range): Promise<Page | null> {
    const file = this.#file;
    if (!this.#canBeShort || range.rows < MIN_SHORT_ROWS || (file !== "all" && file !== "success"))
      return null;
    await this.#ctx.reserveMemory(DOWNLOAD_PAGE_BYTES);
    const { rows, bytes } = await this.#readAsOneText(file, range);
    if (bytes !== null)
      this.#rows = Math.ceil(range.rows * Math.min(2, (FULL * DOWNLOAD_PAGE_BYTES) / Math.max(bytes, 1)));
    this.#rows = Math.min(this.#rows, PAGE_ROWS);
    return rows && { rows, end: range.after + range.rows };
  }

  /** Repeats the read if the state of the batch, which decides what rows without a result show, has changed. */
  async #readAsOneText(file: "all" | "success", range: Range): Promise<ShortPage> {
    const limits = { addedBytes: this.#addedBytes, maxBytes: DOWNLOAD_PAGE_BYTES };
    for (;;) {
      const page = await readShortPage(this.#ctx, this.#batch, file, range, limits);
      if (page.state === this.#batch.state) return page;
      if (page.state === null) throw notFound("batch");
      this.#batch = { ...this.#batch, state: page.state };
    }
  }

  async #readMeasured(range: Range): Promise<Page> {
    const [ctx, file] = [this.#ctx, this.#file];
    const batch = { ...this.#batch, state: await getState(ctx, this.#batch.id) };
    const { items, hasMore } = await readMeasuredPage(ctx, batch, file, this.#format, range);
    this.#rows = Math.min(PAGE_ROWS, Math.ceil(hasMore ? items.length * RANGE_OF_PAGE : range.rows * 2));
    const isRange = !hasMore && file !== "unprocessed";
    return { rows: items, end: isRange ? range.after + range.rows : (items.at(-1)?.row ?? range.after) };
  }
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
