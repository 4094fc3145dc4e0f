/** Reads the options of an upload from a query and a form: what the schema cannot check, the target, and fingerprints. */
import { createHash } from "node:crypto";
import Type from "typebox";
import { Compile } from "typebox/compile";
import type { Context } from "../../context.ts";
import { DomainError, invalidField } from "../../errors.ts";
import { ENCODINGS, encodingOf } from "../../platform/csv/encodings.ts";
import { schemaErrors, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import type { Caller } from "../../schema/accounts.ts";
import type { BatchMode } from "../../schema/batches.ts";
import { findTarget, listTargets } from "../../targets/define/load-target.ts";
import { listNames, visible } from "../../targets/names.ts";
import { findBuiltIn, modesOf } from "../../targets/registry.ts";
import type { Target } from "../../targets/target.ts";
import { MAX_ERRORS } from "../settle/error-limit.ts";
import type { ReadOptions } from "./open-upload.ts";
import { DELIMITERS, optionNames, UploadOptions } from "./upload-options.ts";

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
export function readOptionsOf(options: UploadOptions): ReadOptions {
  const { delimiter, quote, sheet } = options;
  return {
    sheet,
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

/** The options of an upload with the mode of its target, if they name none. */
export type ChosenOptions = UploadOptions & { readonly mode: BatchMode };

/**
 * Finds the target of an upload and checks that it supports the options.
 * @throws DomainError `invalid_input` that names the option, or `forbidden` if the user may not upload for the target
 */
export async function targetOf(
  ctx: Context,
  options: UploadOptions,
  user: Pick<Caller, "id" | "role">,
): Promise<{ target: Target; chosen: ChosenOptions }> {
  const { target: name, policy } = options;
  const target = (await findTarget(ctx, name, user)) ?? (await refuseTarget(ctx, name, user));
  const { mode = target.defaultMode ?? "insert" } = options;
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
  return { target, chosen: { ...options, mode } };
}

/** @throws DomainError */
async function refuseTarget(ctx: Context, name: string, user: Pick<Caller, "id" | "role">): Promise<never> {
  if (findBuiltIn(name))
    throw new DomainError("forbidden", `target: Only administrators can upload ${name}.`);
  const names = (await listTargets(ctx, user)).map((target) => target.name);
  throw invalidField("target", `"${visible(name)}" is not one of your targets: ${listNames(names)}.`);
}

const or = new Intl.ListFormat("en", { type: "disjunction" });

/** Options that do not affect the records. */
const WITHOUT_EFFECT_ON_RECORDS = ["force", "dry_run", "rows_per_second", "row_delay_ms"];

/** Equal fingerprints mean the same import: the same bytes, and the same options that affect the records. */
export function fingerprintOf(contentHash: Buffer, options: ChosenOptions, { defined }: Target): Buffer {
  const relevant = Object.entries(options).filter(([name]) => !WITHOUT_EFFECT_ON_RECORDS.includes(name));
  const version = defined ? { target_version: defined.version } : {};
  return hashOf(contentHash, { ...Object.fromEntries(relevant), ...version });
}

/** Equal hashes mean the same request: the same bytes and the same options. */
export function requestHashOf(contentHash: Buffer, options: UploadOptions): Buffer {
  // As it was before `mode` became optional.
  const former = findBuiltIn(options.target) ? { mode: "insert" } : {};
  return hashOf(contentHash, { ...former, ...options });
}

function hashOf(contentHash: Buffer, options: Readonly<Record<string, unknown>>): Buffer {
  const sorted = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(contentHash).update(JSON.stringify(sorted)).digest();
}
