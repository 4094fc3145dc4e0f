/** Streams the file of a multipart request. */
import type { Readable } from "node:stream";
import multipart from "@fastify/multipart";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import Type, { type TProperties } from "typebox";
import { DomainError, invalidField } from "../../errors.ts";
import { bodyError, drainBody } from "./broken-body.ts";

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
  /** Form fields before the file. */
  readonly fields: Readonly<Record<string, string>>;
  readonly file: Readable;
  /** Call it when `file` has been read. @throws DomainError if the file was cut off, or another file or an option follows */
  readonly finish: () => Promise<void>;
  /** Whether the file was larger than allowed, so that `file` has only its beginning. */
  readonly isCutOff: () => boolean;
}

const FIELD = "file";

const CSV_EXAMPLE = "title,author\nEmma,Jane Austen\n";

/** More than the parts around a file ever have. If a body exceeds the limit by this, so does the file. */
const FORM_BYTES = 65_536;

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
  reply: FastifyReply,
  rules: UploadRules,
  receive: (file: UploadedFile) => Promise<T>,
): Promise<T> {
  let uploaded: UploadedFile | undefined;
  try {
    uploaded = await openFile(request, rules);
    return await receive(uploaded);
  } catch (error) {
    drainBody(request, reply);
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
  const parts = request.parts({ limits: { fileSize: maxBytes, fields: 100 } });
  const fields = new Map<string, string>();
  for await (const part of untilEnd(parts)) {
    if (part.type !== "file") {
      fields.set(part.fieldname, String(part.value));
      continue;
    }
    if (part.fieldname !== FIELD) {
      throw invalidField(
        FIELD,
        `was sent in the field \`${part.fieldname.slice(0, 100)}\`. Send it in the field \`${FIELD}\`.`,
      );
    }
    const isCutOff = () => part.file.truncated;
    const finish = async () => {
      if (isCutOff()) throw tooLarge(rules);
      for await (const next of untilEnd(parts)) {
        if (next.type === "file")
          throw invalidField(FIELD, "was sent more than once. Send one file per request.");
        if (optionNames.includes(next.fieldname))
          throw invalidField(next.fieldname, "was sent after the file. Send options before the file.");
      }
    };
    return {
      filename: part.filename || "",
      fields: Object.fromEntries(fields),
      file: part.file,
      finish,
      isCutOff,
    };
  }
  throw invalidField(FIELD, `is missing. Send the file as multipart/form-data in the field \`${FIELD}\`.`);
}

/** Unlike `for await` over the iterator itself, leaves it open when the loop ends early, so that it can be continued. */
async function* untilEnd<T>(parts: AsyncIterator<T>): AsyncGenerator<T> {
  for (let next = await parts.next(); !next.done; next = await parts.next()) yield next.value;
}

function tooLarge({ maxBytes, maxBytesName }: UploadRules): DomainError {
  return new DomainError("too_large", `The file is larger than ${maxBytes} bytes (${maxBytesName}).`);
}

/** Returns the minimum size of the file according to Content-Length; 0 if unknown. */
export function declaredBytes(request: FastifyRequest): number {
  return Math.max(0, Number(request.headers["content-length"] ?? 0) - FORM_BYTES);
}
