/** Streams the file of a multipart request. */
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Type, { type TProperties } from "typebox";
import { DomainError, invalidField } from "../../errors.ts";
import { untilEnd } from "./body-pace.ts";
import { bodyError, requireConnection } from "./broken-body.ts";
import { FIELD_LIMITS, FormFields, MAX_FORM_BYTES } from "./form-fields.ts";
import { isRawFile, openRawFile } from "./raw-file.ts";

export interface UploadRules {
  readonly maxBytes: number;
  /** The setting that `maxBytes` comes from. */
  readonly maxBytesName: string;
  /**
   * The form fields besides the file. They must precede it, because it is processed while it arrives. Absent: any fields
   * are accepted and ignored, as the replaced services did.
   */
  readonly optionNames?: readonly string[];
}

export interface UploadedFile {
  /** Without folders; empty if the client sent no name. */
  readonly filename: string;
  /** The fields of `optionNames` before the file. */
  readonly fields: Readonly<Record<string, string>>;
  readonly file: AsyncIterable<Uint8Array>;
  /** Call it when `file` has been read. @throws DomainError if the file was cut off, or another file or an option follows */
  readonly finish: () => Promise<void>;
  /** Whether the file was larger than allowed, so that `file` has only its beginning. */
  readonly isCutOff: () => boolean;
}

const FIELD = "file";

const CSV_EXAMPLE = "title,author\nEmma,Jane Austen\n";

/** For `documentedBody` of a route: the file, and the fields that must precede it. */
export function fileForm(
  description: string,
  { fields = {}, examples = [CSV_EXAMPLE] }: { fields?: TProperties; examples?: string[] } = {},
) {
  const file = Type.String({ format: "binary", description, examples });
  return { "multipart/form-data": Type.Object({ ...fields, [FIELD]: file }) };
}

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/** The media types of a file with a table: CSV, also compressed with gzip, and Excel workbooks. */
export const RAW_TABLES: readonly string[] = [
  "text/csv",
  "application/csv",
  "text/tab-separated-values",
  XLSX,
  "application/vnd.ms-excel.sheet.macroenabled.12",
  "application/gzip",
  "application/x-gzip",
];

/** For `documentedBody` of a route with `rawFiles: RAW_TABLES`. */
export function rawTable(csv: string, workbook: string) {
  return {
    "text/csv": Type.String({ description: csv, examples: [CSV_EXAMPLE] }),
    [XLSX]: Type.String({ format: "binary", description: workbook }),
  };
}

export async function registerUploads(app: FastifyInstance): Promise<void> {
  await app.register(multipart);
}

/**
 * Calls `receive` with the file in the form field `file`.
 * @throws DomainError if there is no file or more than one, or if it is larger than `maxBytes`
 */
export async function withUploadedFile<T>(
  request: FastifyRequest,
  rules: UploadRules,
  receive: (file: UploadedFile) => Promise<T>,
): Promise<T> {
  let uploaded: UploadedFile | undefined;
  try {
    uploaded = await openFile(request, rules);
    return await receive(uploaded);
  } catch (error) {
    request.raw.unpipe();
    // A file that was cut off at the limit may first fail because it ends in the middle of a quoted cell.
    if (uploaded?.isCutOff()) throw tooLarge(rules);
    throw bodyError(error);
  }
}

async function openFile(request: FastifyRequest, rules: UploadRules): Promise<UploadedFile> {
  const { maxBytes, optionNames } = rules;
  const isRaw = isRawFile(request);
  if (!isRaw && !request.isMultipart()) throw wrongMediaType(request);
  // A file that is far too large need not be read.
  if (declaredBytes(request) > maxBytes) throw tooLarge(rules);
  if (isRaw) {
    const raw = openRawFile(request, rules, () => tooLarge(rules));
    return { ...raw, fields: {}, finish: async () => {} };
  }
  requireConnection(request);
  const parts = request.parts({ limits: { ...FIELD_LIMITS, fileSize: maxBytes }, isPartAFile });
  const signal = request.arrivingBody?.signal;
  const fields = new FormFields(optionNames);
  for await (const part of untilEnd(parts, signal)) {
    if (part.type !== "file") {
      requireKnown(part.fieldname, optionNames);
      fields.add(part);
      continue;
    }
    if (part.fieldname !== FIELD) {
      throw invalidField(
        FIELD,
        `was sent in the field \`${String(part.fieldname).slice(0, 100)}\`. Send it in the field \`${FIELD}\`.`,
      );
    }
    signal?.addEventListener("abort", () => part.file.destroy(signal.reason), { once: true });
    const isCutOff = () => part.file.truncated;
    const finish = async () => {
      if (isCutOff()) throw tooLarge(rules);
      for await (const next of untilEnd(parts, signal)) {
        if (next.type === "file")
          throw invalidField(FIELD, "was sent more than once. Send one file per request.");
        requireKnown(next.fieldname, optionNames);
        if (optionNames)
          throw invalidField(next.fieldname, "was sent after the file. Send options before the file.");
        fields.add(next);
      }
    };
    return {
      filename: part.filename || "",
      fields: Object.fromEntries(fields.values),
      file: part.file,
      finish,
      isCutOff,
    };
  }
  throw invalidField(FIELD, `is missing. Send the file as multipart/form-data in the field \`${FIELD}\`.`);
}

/** The field of the file is a file even if the client sends no name for it, and no type. */
function isPartAFile(field: string | undefined, mediaType: string | undefined, filename: string | undefined) {
  return field === FIELD || filename !== undefined || mediaType === "application/octet-stream";
}

/** @param field undefined: the part has no name */
function requireKnown(field: string | undefined, known: readonly string[] | undefined): void {
  if (!known || known.includes(field ?? "")) return;
  const list = [...known.filter((name) => name !== FIELD), FIELD].join(", ");
  throw invalidField((field ?? "form").slice(0, 100), `Unknown field. Known fields: ${list}.`);
}

function wrongMediaType(request: FastifyRequest): DomainError {
  const { rawFiles = [] } = request.routeOptions.config;
  const raw = rawFiles.length > 0 ? `, or as the body with \`Content-Type: ${rawFiles[0]}\`` : "";
  const message = `Send the file as multipart/form-data in the field \`${FIELD}\`${raw}.`;
  return new DomainError("unsupported_media_type", message);
}

function tooLarge({ maxBytes, maxBytesName }: UploadRules): DomainError {
  return new DomainError("too_large", `The file is larger than ${maxBytes} bytes (${maxBytesName}).`);
}

/** Returns the minimum size of the file according to Content-Length; 0 if unknown. */
export function declaredBytes(request: FastifyRequest): number {
  return Math.max(0, maxBytesOf(request) - MAX_FORM_BYTES);
}

/** Returns the maximum size of the file according to Content-Length; 0 if unknown. */
export function maxBytesOf({ headers }: FastifyRequest): number {
  return Number(headers["content-length"] ?? 0);
}
