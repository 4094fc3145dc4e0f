/** Exports the rows of a batch and their results as a file. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { RELEASE } from "../../platform/http/bounded-answers.ts";
import type { StoredBatch } from "../queries.ts";
import { type ResultFormat, resultWriter } from "./result-formats.ts";
import { type Page, ResultPages } from "./result-pages.ts";
import type { ResultFile } from "./result-ranges.ts";

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

/** Yields pages. The database reads on while a page is written, unless its rows are long. */
async function* resultPages(
  ctx: Context,
  batch: StoredBatch,
  file: ResultFile,
  format: ResultFormat,
): AsyncGenerator<Page["rows"]> {
  const pages = new ResultPages(ctx, batch, file, format);
  let sent = 0;
  let page = await pages.read(0);
  while (page.rows.length > 0) {
    const next = page.rows.length > 1 ? pages.read(page.end) : null;
    // A client that disconnects leaves `next` without a reader, and its failure unhandled.
    next?.catch(() => {});
    // Writing a page blocks this process: the statement must have left before.
    await nextTurn();
    sent += page.rows.length;
    yield page.rows;
    page = await (next ?? pages.read(page.end));
  }
  // An incomplete file must not look complete: the exception aborts the download.
  if (file === "all" && sent !== batch.totalRows)
    throw new Error(`The batch ${batch.id} has ${batch.totalRows} rows, but only ${sent} could be read.`);
}

async function hasExtraCells(ctx: Context, { id, header, warnings }: StoredBatch): Promise<boolean> {
  if (warnings) return (warnings.extra_fields ?? 0) > 0;
  const { rows } = await ctx.db.execute<{ found: boolean }>(sql`
    SELECT EXISTS (SELECT FROM rowmill.batch_rows WHERE batch_id = ${id} AND json_array_length(fields) > ${header.length}) AS found`);
  return rows[0]?.found ?? false;
}
