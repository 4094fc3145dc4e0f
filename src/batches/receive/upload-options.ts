/** The options of an upload, which clients send as query parameters or as form fields before the file. */
import { createHash } from "node:crypto";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { invalidField } from "../../errors.ts";
import { ENCODINGS, encodingOf } from "../../platform/csv/encodings.ts";
import { type CsvOptions, MAX_HEADER_ROWS } from "../../platform/csv/options.ts";
import { schemaErrors, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import type { Role } from "../../schema/accounts.ts";
import { batchMode, batchPolicy } from "../../schema/batches.ts";
import { modesOf, targetForUpload, targetNames } from "../../targets/registry.ts";
import type { Target } from "../../targets/target.ts";
import { MAX_ERRORS } from "../process/error-limit.ts";

/** Names for delimiters that are awkward to write in a URL or a shell. */
const DELIMITERS: Readonly<Record<string, string>> = {
  comma: ",",
  semicolon: ";",
  tab: "\t",
  pipe: "|",
  space: " ",
  spaces: "  ",
};

export const UploadOptions = Type.Object({
  target: Type.Enum([...targetNames], {
    default: "books",
    description: "The target that the rows are imported into. GET /api/v1/targets lists them.",
  }),
  mode: Type.Enum(batchMode.enumValues, {
    default: "insert",
    description:
      "How to handle a row if the target already has a record with its key. insert: the row fails as a duplicate. upsert: " +
      "it updates the record. skip_existing: it succeeds and changes nothing. append: it creates another record. " +
      "GET /api/v1/targets/{name} lists the modes of a target.",
  }),
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
  encoding: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 30,
      description: `The encoding of the file, or a label of it such as \`latin1\`: ${ENCODINGS.join(", ")}. Absent: detected.`,
      examples: ["windows-1251"],
    }),
  ),
  delimiter: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 10,
      description:
        `A character or its name: ${Object.keys(DELIMITERS).join(", ")}. If a blank follows the character, blanks after ` +
        "it belong to the delimiter; `spaces` are runs of blanks. Absent: detected.",
      examples: ["semicolon", ";", ", "],
    }),
  ),
  quote: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4,
      description: "A character or `none`. Absent: detected.",
      examples: ['"', "none"],
    }),
  ),
  escape: Type.Optional(
    Type.Enum(["double", "backslash"], {
      description: "How a quote inside a quoted cell is written. Absent: detected.",
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
        "The number of lines to skip before the header. Absent: lines above the table are detected.",
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
});

export const optionNames: readonly string[] = Object.keys(UploadOptions.properties);

const check = Compile(UploadOptions);

/** Rules that a pattern in the schema would tell nobody. */
const TEXT_RULES = [
  [
    "delimiter",
    new RegExp(`^(${Object.keys(DELIMITERS).join("|")}|. ?)$`, "su"),
    `must be one character, with or without a blank after it, or one of: ${Object.keys(DELIMITERS).join(", ")}.`,
  ],
  ["quote", /^(none|.)$/su, "must be one character or `none`."],
  [
    "max_errors",
    MAX_ERRORS,
    "must be a number of rows from 1, such as 100, or a percentage up to 100%, such as 5%.",
  ],
] as const;

/**
 * Combines the options of a query, which is already validated, with form fields, which override them and whose names are
 * known. An unknown query parameter is refused: a misspelled `dry_run` must not import the file.
 * @throws DomainError `invalid_input` that names the option
 */
export function readUploadOptions(
  query: UploadOptions,
  fields: Readonly<Record<string, string>>,
): UploadOptions {
  const unknown = Object.keys(query).find((name) => !optionNames.includes(name));
  if (unknown !== undefined)
    throw invalidField(unknown, `Unknown option. Known options: ${optionNames.join(", ")}.`);
  const fromForm = Object.entries(fields).map(([name, text]) => [name, parseOption(name, text)]);
  const options: UploadOptions = { ...query, ...Object.fromEntries(fromForm) };
  throwFieldErrors(schemaErrors(check, options));
  for (const [name, rule, text] of TEXT_RULES) {
    const value = options[name];
    if (value !== undefined && !rule.test(value)) throw invalidField(name, text);
  }
  return options;
}

/** Converts a form field as Fastify converts query parameters. Other texts stay text, so that the check refuses them. */
function parseOption(name: string, text: string): string | number | boolean {
  const rule = UploadOptions.properties[name as keyof UploadOptions];
  if (Type.IsInteger(rule) && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (Type.IsBoolean(rule) && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

/** @throws DomainError `invalid_input` if the encoding is unknown */
export function csvOptionsOf(options: UploadOptions): CsvOptions {
  const { delimiter, quote } = options;
  return {
    encoding: options.encoding === undefined ? undefined : knownEncoding(options.encoding),
    delimiter: delimiter === undefined ? undefined : (DELIMITERS[delimiter] ?? delimiter),
    quote: quote === "none" ? "" : quote,
    escape: options.escape,
    header: options.header,
    headerRows: options.header_rows,
    columns: options.columns?.split(","),
    skipLines: options.skip_lines,
    skipBlankRows: options.skip_blank_rows,
    tables: options.tables,
  };
}

function knownEncoding(label: string): string {
  const encoding = encodingOf(label);
  if (encoding !== null) return encoding;
  throw invalidField("encoding", `must be one of: ${ENCODINGS.join(", ")}, or a label of one of them.`);
}

/**
 * Finds the target of an upload and checks that it supports the options.
 * @throws DomainError `invalid_input` that names the option, or `forbidden` if the role may not upload for the target
 */
export function targetOf(options: UploadOptions, role: Role): Target {
  const { target: name, mode, policy } = options;
  const target = targetForUpload(name, role);
  const modes = modesOf(target);
  if (!modes.includes(mode)) {
    throw invalidField("mode", `The target ${name} does not support ${mode}. Use ${or.format(modes)}.`);
  }
  if (policy === "atomic" && !("write" in target)) {
    const message = `The target ${name} does not support atomic, because it handles rows one by one. Use partial.`;
    throw invalidField("policy", message);
  }
  if (policy === "atomic" && options.rows_per_second !== undefined) {
    const message =
      "cannot be combined with policy=atomic, which writes all rows at once. Leave out one of them.";
    throw invalidField("rows_per_second", message);
  }
  return target;
}

const or = new Intl.ListFormat("en", { type: "disjunction" });

/** Options that do not affect the records. */
const WITHOUT_EFFECT_ON_RECORDS = ["force", "dry_run", "rows_per_second", "row_delay_ms"];

/** Equal fingerprints mean the same import: the same bytes, and the same options that affect the records. */
export function fingerprintOf(contentHash: Buffer, options: UploadOptions): Buffer {
  const relevant = Object.entries(options).filter(([name]) => !WITHOUT_EFFECT_ON_RECORDS.includes(name));
  return hashOf(contentHash, Object.fromEntries(relevant));
}

/** Equal hashes mean the same request: the same bytes and the same options. */
export function requestHashOf(contentHash: Buffer, options: UploadOptions): Buffer {
  return hashOf(contentHash, options);
}

function hashOf(contentHash: Buffer, options: Partial<UploadOptions>): Buffer {
  const sorted = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(contentHash).update(JSON.stringify(sorted)).digest();
}
