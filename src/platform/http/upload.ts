/** The one file of a multipart request, streamed. */
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
  /** Form fields that must come before the file, since the file is read as it comes. */
  readonly optionNames?: readonly string[];
}

export interface UploadedFile {
  /** Without the folders that a client may send; empty where it sent none. */
  readonly filename: string;
  /** Form fields that came before the file. */
  readonly fields: Readonly<Record<string, string>>;
  readonly file: Readable;
  /** Call when `file` has been read: resolves when nothing more came, throws where it was cut off or was not alone. */
  readonly finish: () => Promise<void>;
  /** Whether it was longer than allowed, so that what was read is not all of it. */
  readonly isCutOff: () => boolean;
}

const FIELD = "file";

const CSV_EXAMPLE = "title,author\nEmma,Jane Austen\n";

/** The parts around the file are a few hundred bytes; a body that is larger by this has a file that is larger. */
const FORM_BYTES = 65_536;

/** For `documentedBody` of a route: the file, and fields that must come before it. */
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
 * Calls `receive` with the file under the multipart key `file`.
 * @throws DomainError where there is none, more than one, or it is over `maxBytes`
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
    // A file that was cut off at the limit may first fail as one that ends in the middle of a quoted cell.
    if (uploaded?.isCutOff()) throw tooLarge(rules);
    throw bodyError(error);
  }
}

async function openFile(request: FastifyRequest, rules: UploadRules): Promise<UploadedFile> {
  const { maxBytes, optionNames = [] } = rules;
  if (!request.isMultipart()) {
    throw new DomainError(
      "unsupported_media_type",
      `Send the file as multipart/form-data under the key \`${FIELD}\`.`,
    );
  }
  // What is far over the limit need not be read.
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
        `a file came under the key \`${part.fieldname.slice(0, 100)}\`; send it as \`${FIELD}\`.`,
      );
    }
    const isCutOff = () => part.file.truncated;
    const finish = async () => {
      if (isCutOff()) throw tooLarge(rules);
      for await (const next of untilEnd(parts)) {
        if (next.type === "file")
          throw invalidField(FIELD, "more than one file was sent; send each by itself.");
        if (optionNames.includes(next.fieldname))
          throw invalidField(next.fieldname, "came behind the file; send options before it.");
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
  throw invalidField(FIELD, `no file was sent; send it as multipart/form-data under the key \`${FIELD}\`.`);
}

/** Iterates without ending the iterator when the loop is left, so that it can be taken up again. */
async function* untilEnd<T>(parts: AsyncIterator<T>): AsyncGenerator<T> {
  for (let next = await parts.next(); !next.done; next = await parts.next()) yield next.value;
}

function tooLarge({ maxBytes, maxBytesName }: UploadRules): DomainError {
  return new DomainError("too_large", `The file is larger than ${maxBytesName}, which is ${maxBytes}.`);
}

/** How large the file is at least, as far as the request tells before it is read. */
export function declaredBytes(request: FastifyRequest): number {
  return Math.max(0, Number(request.headers["content-length"] ?? 0) - FORM_BYTES);
}
