/** Opens an uploaded file as a table: CSV while it arrives, an Excel workbook after all of it has arrived. */
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { ByteBudget } from "../../platform/byte-budget.ts";
import { type Dialect, openCsv } from "../../platform/csv/open-csv.ts";
import type { Table } from "../../platform/csv/open-table.ts";
import type { CsvOptions } from "../../platform/csv/options.ts";
import { peek } from "../../platform/csv/peek.ts";
import type { LongRow } from "../../platform/csv/reader.ts";
import { unpacked } from "../../platform/csv/unpack.ts";
import { isZip, refuseOldWorkbook, START_BYTES } from "../../platform/workbooks/detect.ts";
import type { NumberMarks } from "../../platform/workbooks/number-formats.ts";
import type { WorkbookDialect } from "../../platform/workbooks/open-workbook.ts";
import { spoolFile } from "./spool-file.ts";

export interface ArrivingFile {
  readonly userId: number;
  readonly file: AsyncIterable<Uint8Array>;
  /** Resolves at the end of the request. Throws if the file was cut off or a second file follows. */
  readonly finish: () => Promise<void>;
}

export interface OpenedUpload extends Table<Dialect | WorkbookDialect>, AsyncDisposable {
  /** Call it when the rows have been read. Throws if the file was cut off or a second file follows. */
  finish(): Promise<void>;
}

export interface ReadOptions extends CsvOptions {
  readonly sheet?: string | undefined;
  /** The marks of the numbers in workbooks, as the target reads them. */
  readonly marks?: NumberMarks | undefined;
}

/** The limits that the target and the user add to those of the settings. */
interface TargetLimits {
  readonly longRow: LongRow;
  readonly uploadMaxRows?: number;
  readonly maxRowsName?: string;
}

/** The different texts of all workbooks that a process reads, and so also those of one. */
const STRINGS_BYTES = 128 * 2 ** 20;
const strings = new ByteBudget(STRINGS_BYTES);

const CSV_OPTIONS = ["encoding", "delimiter", "quote", "escape"] as const;

/** @throws DomainError if the file or the options are invalid, or a limit is exceeded; QuotaExceeded */
export async function openUpload(
  ctx: Context,
  upload: ArrivingFile,
  options: ReadOptions,
  limits: TargetLimits,
): Promise<OpenedUpload> {
  const { start, whole, close } = await peek(unpacked(upload.file, ctx.config.uploadMaxBytes), START_BYTES);
  try {
    refuseOldWorkbook(start);
    if (isZip(start)) return await openSpooled(ctx, upload, whole, options, limits);
    if (options.sheet !== undefined)
      throw invalidField("sheet", "is for Excel workbooks, but the file is not one. Leave it out.");
    const csv = await openCsv(whole, options, { ...ctx.config, ...limits });
    return withEnd(csv, upload.finish, async () => {});
  } catch (error) {
    await close();
    throw error;
  }
}

async function openSpooled(
  ctx: Context,
  { userId, finish }: ArrivingFile,
  file: AsyncIterable<Uint8Array>,
  options: ReadOptions,
  limits: TargetLimits,
): Promise<OpenedUpload> {
  const csvOnly = CSV_OPTIONS.find((name) => options[name] !== undefined);
  if (csvOnly !== undefined)
    throw invalidField(csvOnly, "is for CSV, but the file is an Excel workbook. Leave it out.");
  const spool = await spoolFile(ctx, userId, file);
  const close = () => spool[Symbol.asyncDispose]();
  try {
    await finish();
    const holdStrings = (bytes: number) => strings.take(bytes);
    const workbookLimits = { ...ctx.config, ...limits, stringsMaxBytes: STRINGS_BYTES, holdStrings };
    // Its libraries take 25 MB, which a process without workbooks need not have.
    const { openWorkbook } = await import("../../platform/workbooks/open-workbook.ts");
    const table = await openWorkbook(spool, options, workbookLimits);
    const closeAll = async () => {
      await table.close();
      await close();
    };
    return withEnd(table, async () => {}, closeAll);
  } catch (error) {
    await close();
    throw error;
  }
}

function withEnd(
  table: Table<Dialect | WorkbookDialect>,
  finish: () => Promise<void>,
  close: () => Promise<void>,
): OpenedUpload {
  return {
    header: table.header,
    records: table.records,
    warnings: table.warnings,
    get dialect() {
      return table.dialect;
    },
    finish,
    [Symbol.asyncDispose]: close,
  };
}
