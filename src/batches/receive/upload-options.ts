/** What an upload may ask for, as query parameters or as form fields before the file. */
import { createHash } from "node:crypto";
import Type, { type Static } from "typebox";
import { Compile } from "typebox/compile";
import { invalidField } from "../../errors.ts";
import { type CsvOptions, ENCODINGS } from "../../platform/csv/open-csv.ts";
import type { Role } from "../../schema/accounts.ts";
import { batchMode, batchPolicy } from "../../schema/batches.ts";
import { modesOf, targetForUpload, targetNames } from "../../targets/registry.ts";
import type { Target } from "../../targets/target.ts";
import { MAX_ERRORS_PATTERN } from "../process/error-limit.ts";

/** Words for delimiters that are awkward in a URL or a shell. */
const DELIMITERS: Readonly<Record<string, string>> = {
  comma: ",",
  semicolon: ";",
  tab: "\t",
  pipe: "|",
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
      pattern: MAX_ERRORS_PATTERN,
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
  encoding: Type.Optional(
    Type.Enum([...ENCODINGS], { description: "The encoding of the file. Absent: detected." }),
  ),
  delimiter: Type.Optional(
    Type.String({
      pattern: `^(${Object.keys(DELIMITERS).join("|")}|[^])$`,
      description: `A character or its name: ${Object.keys(DELIMITERS).join(", ")}. Absent: detected.`,
      examples: ["semicolon", ";"],
    }),
  ),
  quote: Type.Optional(
    Type.String({
      pattern: "^(none|[^])$",
      description: "A character or `none`. Absent: detected.",
      examples: ['"', "none"],
    }),
  ),
  escape: Type.Optional(
    Type.Enum(["double", "backslash"], {
      description: "How a quote inside a quoted cell is written. Absent: detected.",
    }),
  ),
  header: Type.Boolean({ default: true, description: "Whether the first record has the column names." }),
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
      description: "The number of lines to skip before the header.",
      examples: [2],
    }),
  ),
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

/** Node.js refuses a URL and headers of over 16 kB with 431; longer texts fit into a form. */
const QUERY_TEXT = { maxLength: 8000 };

export const UploadQuery = Type.Object({
  ...UploadOptions.properties,
  mapping: Type.Optional({ ...UploadOptions.properties.mapping, ...QUERY_TEXT }),
  columns: Type.Optional({ ...UploadOptions.properties.columns, ...QUERY_TEXT }),
});

export const optionNames: readonly string[] = Object.keys(UploadOptions.properties);

const check = Compile(UploadOptions);

/**
 * Options of a query that was checked already, overridden by form fields. A form may have fields of its own beside
 * them; in a query what is no option is a slip, which must not import for real what was meant as a dry run.
 * @throws DomainError `invalid_input` that names the field
 */
export function readUploadOptions(
  query: UploadOptions,
  fields: Readonly<Record<string, string>>,
): UploadOptions {
  const unknown = Object.keys(query).find((name) => !optionNames.includes(name));
  if (unknown !== undefined)
    throw invalidField(unknown, `is no option. There are: ${optionNames.join(", ")}.`);
  const given = Object.entries(fields)
    .filter(([name]) => optionNames.includes(name))
    .map(([name, text]) => [name, typed(name, text)]);
  const options = { ...query, ...Object.fromEntries(given) };
  const [problem] = check.Errors(options);
  if (problem) throw invalidField(problem.instancePath.slice(1).replaceAll("/", "."), `${problem.message}.`);
  return options as UploadOptions;
}

/** As the query's are taken: what is no number or no boolean stays text, and is refused for it. */
function typed(name: string, text: string): string | number | boolean {
  const rule = UploadOptions.properties[name as keyof UploadOptions];
  if (Type.IsInteger(rule) && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (Type.IsBoolean(rule) && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

/** How the file is to be read. */
export function csvOptionsOf(options: UploadOptions): CsvOptions {
  const { delimiter, quote } = options;
  return {
    encoding: options.encoding,
    delimiter: delimiter === undefined ? undefined : (DELIMITERS[delimiter] ?? delimiter),
    quote: quote === "none" ? "" : quote,
    escape: options.escape,
    header: options.header,
    columns: options.columns?.split(","),
    skipLines: options.skip_lines,
  };
}

/** What the target has to say to the options. @throws DomainError that names the option, or `forbidden` */
export function targetOf(options: UploadOptions, role: Role): Target {
  const { target: name, mode, policy } = options;
  const target = targetForUpload(name, role);
  const modes = modesOf(target);
  if (!modes.includes(mode)) throw invalidField("mode", `${name} takes ${modes.join(", ")}, not ${mode}.`);
  if (policy === "atomic" && !("write" in target)) {
    throw invalidField(
      "policy",
      `atomic needs a target that writes in a transaction; ${name} takes rows one by one.`,
    );
  }
  if (policy === "atomic" && options.rows_per_second !== undefined) {
    throw invalidField("rows_per_second", "an atomic batch is written in one go; leave out one of the two.");
  }
  return target;
}

/** Options that make no difference to what the rows become. */
const NO_MATTER = ["force", "dry_run", "rows_per_second", "row_delay_ms"];

/** The same bytes with the same options that decide what the rows become: the same import again. */
export function fingerprintOf(contentHash: Buffer, options: UploadOptions): Buffer {
  const matter = Object.entries(options).filter(([name]) => !NO_MATTER.includes(name));
  return hashOf(contentHash, Object.fromEntries(matter));
}

/** The same bytes with the same options, all of them: the same request again. */
export function requestHashOf(contentHash: Buffer, options: UploadOptions): Buffer {
  return hashOf(contentHash, options);
}

function hashOf(contentHash: Buffer, options: Partial<UploadOptions>): Buffer {
  const asked = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(contentHash).update(JSON.stringify(asked)).digest();
}
