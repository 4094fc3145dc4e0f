/** The options of an upload, which clients send as query parameters or as form fields before the file. */
import Type, { type Static } from "typebox";
import { ENCODINGS } from "../../platform/csv/encodings.ts";
import { MAX_HEADER_ROWS } from "../../platform/csv/options.ts";
import { batchMode, batchPolicy } from "../../schema/batches.ts";

/** Names for delimiters that are awkward to write in a URL or a shell. */
export const DELIMITERS: Readonly<Record<string, string>> = {
  comma: ",",
  semicolon: ";",
  tab: "\t",
  pipe: "|",
  space: " ",
  spaces: "  ",
};

export const UploadOptions = Type.Object({
  target: Type.String({
    minLength: 1,
    maxLength: 100,
    default: "books",
    description:
      "The target that the rows are imported into: one of Rowmill, or one that an administrator of the installation has defined. " +
      "This document is the same for all installations; GET /api/v1/targets lists the targets that you may upload for, with their " +
      "columns.",
    examples: ["books", "customers"],
  }),
  mode: Type.Optional(
    Type.Enum(batchMode.enumValues, {
      description:
        "How to handle a row if the target already has a record with its key. insert: the row fails as a duplicate. upsert: " +
        "it updates the record. update: it updates the record, and a row without one fails. skip_existing: it succeeds and " +
        "changes nothing. append: it creates another record. Absent: the `default_mode` of the target. GET " +
        "/api/v1/targets/{name} lists the modes of a target.",
    }),
  ),
  policy: Type.Enum(batchPolicy.enumValues, {
    default: "partial",
    description:
      "partial: each row counts on its own. atomic: no record is written unless every row succeeds.",
  }),
  max_errors: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 10,
      description:
        "Ends the batch as `failed` after this many failed rows: a number or a percentage such as `5%`. It is checked " +
        "after each chunk; the remaining rows become `unprocessed`.",
      examples: ["100", "5%"],
    }),
  ),
  dry_run: Type.Boolean({
    default: false,
    description: "Checks every row and writes no record. Commit the batch to import it.",
  }),
  force: Type.Boolean({
    default: false,
    description: "Imports the file even if the same file was uploaded within a day.",
  }),
  rows_per_second: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: "The highest average speed. Absent: no limit.",
      examples: [100],
    }),
  ),
  mapping: Type.Optional(
    Type.String({
      maxLength: 100_000,
      description:
        "A JSON object that maps columns of the file to columns of the target; null ignores a column. All other columns " +
        "match by name and alias.",
      examples: ['{"Book name": "title", "Notes": null}'],
    }),
  ),
  params: Type.Optional(
    Type.String({
      maxLength: 100_000,
      description:
        "A JSON object with the parameters of the target, which GET /api/v1/targets/{name} describes.",
      examples: ['{"subject": "Maintenance", "message": "Rowmill is offline tonight."}'],
    }),
  ),
  locale: Type.Optional(
    Type.String({
      maxLength: 10_000,
      description:
        "A JSON object that says how the file writes numbers, dates and booleans, instead of the locale of a defined target: " +
        "`decimal`, `group`, `date_order`, `timezone`, `true`, `false` and `null`.",
      examples: ['{"decimal": ",", "group": ".", "date_order": "dmy"}'],
    }),
  ),
  sheet: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description:
        "The sheet of an Excel workbook: its name, or its number from 1. Absent: the first sheet that is not hidden.",
      examples: ["Customers", "2"],
    }),
  ),
  encoding: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 30,
      description: `CSV only. The encoding of the file, or a label of it such as \`latin1\`: ${ENCODINGS.join(", ")}. Absent: detected.`,
      examples: ["windows-1251"],
    }),
  ),
  delimiter: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 10,
      description:
        `CSV only. A character or its name: ${Object.keys(DELIMITERS).join(", ")}. If a blank follows the character, blanks after ` +
        "it belong to the delimiter; `spaces` are runs of blanks. Absent: detected.",
      examples: ["semicolon", ";", ", "],
    }),
  ),
  quote: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4,
      description: "CSV only. A character or `none`. Absent: detected.",
      examples: ['"', "none"],
    }),
  ),
  escape: Type.Optional(
    Type.Enum(["double", "backslash"], {
      description: "CSV only. How a quote inside a quoted cell is written. Absent: detected.",
    }),
  ),
  header: Type.Optional(Type.Boolean({ description: "Whether the table has a header. Absent: detected." })),
  header_rows: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_HEADER_ROWS,
      description:
        "The number of rows that have the column names, which are joined with a blank. Absent: detected.",
      examples: [2],
    }),
  ),
  columns: Type.Optional(
    Type.String({
      maxLength: 100_000,
      description: "The column names, separated by commas. They replace the header.",
      examples: ["title,author"],
    }),
  ),
  skip_lines: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10_000,
      description:
        "The number of lines, or of rows of a sheet, to skip before the header. Absent: lines above the table are detected.",
      examples: [2],
    }),
  ),
  skip_blank_rows: Type.Boolean({ default: true, description: "Whether rows of empty cells are skipped." }),
  tables: Type.Enum(["first", "all"], {
    default: "first",
    description:
      "How to read a file in which a row repeats the header with more or fewer columns. first: the rows before it are " +
      "imported. all: all rows are imported except the repeated headers.",
  }),
  row_delay_ms: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 600_000,
      description: "Simulated processing time per row. Absent: ROW_DELAY_MS.",
      examples: [0],
    }),
  ),
});

export type UploadOptions = Static<typeof UploadOptions>;

/** Node.js answers 431 if the URL and the headers exceed 16 kB. Longer texts fit into a form. */
const QUERY_TEXT = { maxLength: 8000 };

export const UploadQuery = Type.Object({
  ...UploadOptions.properties,
  mapping: Type.Optional({ ...UploadOptions.properties.mapping, ...QUERY_TEXT }),
  columns: Type.Optional({ ...UploadOptions.properties.columns, ...QUERY_TEXT }),
  params: Type.Optional({ ...UploadOptions.properties.params, ...QUERY_TEXT }),
  locale: Type.Optional({ ...UploadOptions.properties.locale, ...QUERY_TEXT }),
});

export const optionNames: readonly string[] = Object.keys(UploadOptions.properties);
