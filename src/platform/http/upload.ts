/** Streams the file of a multipart request. */
import type { Readable } from "node:stream";
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import Type, { type TProperties } from "typebox";
import { DomainError, invalidField } from "../../errors.ts";
import { bodyError } from "./broken-body.ts";
import { FIELD_LIMITS, FormFields, MAX_FORM_BYTES } from "./form-fields.ts";

export interface UploadRules {
  readonly maxBytes: number;
  /** The setting that `maxBytes` comes from. */
  readonly maxBytesName: string;
  /** Form fields that must precede the file, because the file is processed while it arrives. */
  readonly optionNames?: readonly string[];
}

export interface UploadedFile {
  /** Without folders; empty if the client sent no name. */
  readonly filename: string;
  /** The fields of `optionNames` before the file. */
  readonly fields: Readonly<Record<string, string>>;
  readonly file: Readable;
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
  const { maxBytes, optionNames = [] } = rules;
  if (!request.isMultipart()) {
    throw new DomainError(
      "unsupported_media_type",
      `Send the file as multipart/form-data in the field \`${FIELD}\`.`,
    );
  }
  // A file that is far too large need not be read.
  if (declaredBytes(request) > maxBytes) throw tooLarge(rules);
  const parts = request.parts({ limits: { ...FIELD_LIMITS, fileSize: maxBytes } });
  const signal = request.arrivingBody?.signal;
  const fields = new FormFields(optionNames);
  for await (const part of untilEnd(parts, signal)) {
    if (part.type !== "file") {
      fields.add(part);
      continue;
    }
    if (part.fieldname !== FIELD) {
      throw invalidField(
        FIELD,
        `was sent in the field \`${part.fieldname.slice(0, 100)}\`. Send it in the field \`${FIELD}\`.`,
      );
    }
    signal?.addEventListener("abort", () => part.file.destroy(signal.reason), { once: true });
    const isCutOff = () => part.file.truncated;
    const finish = async () => {
      if (isCutOff()) throw tooLarge(rules);
      for await (const next of untilEnd(parts, signal)) {
        if (next.type === "file")
          throw invalidField(FIELD, "was sent more than once. Send one file per request.");
        if (optionNames.includes(next.fieldname))
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

/**
 * Unlike `for await` over the iterator itself, leaves it open when the loop ends early, so that it can be continued.
 * @throws the reason of `signal` when it aborts
 */
export async function* untilEnd<T>(parts: AsyncIterator<T>, signal?: AbortSignal): AsyncGenerator<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  for (;;) {
    const next = await Promise.race([parts.next(), aborted]);
    if (next.done) return;
    yield next.value;
  }
}

function tooLarge({ maxBytes, maxBytesName }: UploadRules): DomainError {
  return new DomainError("too_large", `The file is larger than ${maxBytes} bytes (${maxBytesName}).`);
}

/** Returns the minimum size of the file according to Content-Length; 0 if unknown. */
export function declaredBytes(request: FastifyRequest): number {
  return Math.max(0, Number(request.headers["content-length"] ?? 0) - MAX_FORM_BYTES);
}
