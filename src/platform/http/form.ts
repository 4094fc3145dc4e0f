/** A multipart form that is small enough for memory: its fields, and one file before, between or after them. */
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyReply, FastifyRequest } from "fastify";
import { DomainError, invalidField } from "../../errors.ts";
import { bodyError, drainBody } from "./broken-body.ts";

export interface Form {
  /** Of a field that came more than once, the last. */
  readonly fields: ReadonlyMap<string, string>;
  /** null where none was chosen, which browsers send as a file without a name or a byte. */
  readonly file: Buffer | null;
}

export interface FormRules {
  /** The only field that may have a file. */
  readonly fileField: string;
  readonly maxBytes: number;
  /** The setting that `maxBytes` comes from. */
  readonly maxBytesName: string;
}

/** Far more than any text here may have, so that the rules for the field say what is wrong. */
const MAX_FIELD_BYTES = 2 ** 18;
const MAX_FIELDS = 50;

/** What all forms together may hold of files before more of them are turned away: memory is shared by all clients. */
const MAX_HELD_BYTES = 256 * 2 ** 20;
const RETRY_AFTER_SECONDS = 5;
let heldBytes = 0;
/** Nor may a client that sends a byte now and then hold it for long. */
const MAX_RECEIVE_MS = 300_000;

class MemoryTaken extends Error {
  readonly statusCode = 503;
}

/**
 * Reads the form, then calls `use` with it.
 * @throws DomainError that names the field, and the limit where it is over one
 */
export async function withForm<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  rules: FormRules,
  use: (form: Form) => Promise<T>,
): Promise<T> {
  const holding = { bytes: 0 };
  const deadline = setTimeout(() => request.raw.destroy(), MAX_RECEIVE_MS).unref();
  try {
    const form = await readForm(request, rules, holding);
    clearTimeout(deadline);
    return await use(form);
  } catch (error) {
    if (error instanceof MemoryTaken) reply.header("retry-after", RETRY_AFTER_SECONDS);
    if (!request.raw.readableEnded) drainBody(request, reply);
    throw bodyError(error);
  } finally {
    clearTimeout(deadline);
    heldBytes -= holding.bytes;
  }
}

async function readForm(request: FastifyRequest, rules: FormRules, holding: Held): Promise<Form> {
  const { fileField, maxBytes } = rules;
  // The fields around the file: what is far over the limit need not be read.
  if (Number(request.headers["content-length"] ?? 0) > maxBytes + MAX_FIELDS * MAX_FIELD_BYTES) {
    throw tooLarge(rules);
  }
  const fields = new Map<string, string>();
  let file: Buffer | null = null;
  const limits = { fileSize: maxBytes, fieldSize: MAX_FIELD_BYTES, fields: MAX_FIELDS };
  for await (const part of request.parts({ limits })) {
    if (part.type === "field") {
      fields.set(part.fieldname, textOf(part.fieldname, part.value, part.valueTruncated));
      continue;
    }
    if (part.fieldname !== fileField) {
      const shown = part.fieldname.slice(0, 100);
      throw invalidField(shown, `is a file; the only file that is taken is \`${fileField}\`.`);
    }
    if (file) throw invalidField(fileField, "was sent more than once; send one.");
    const bytes = await readFile(part, rules, holding);
    if (bytes.length > 0 || part.filename) file = bytes;
  }
  return { fields, file };
}

interface Held {
  bytes: number;
}

async function readFile({ file }: MultipartFile, rules: FormRules, holding: Held): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of file as AsyncIterable<Buffer>) {
    pieces.push(piece);
    holding.bytes += piece.length;
    heldBytes += piece.length;
    if (heldBytes > MAX_HELD_BYTES) throw new MemoryTaken("files in memory have all that is theirs");
  }
  if (file.truncated) throw tooLarge(rules);
  return Buffer.concat(pieces);
}

function textOf(name: string, value: unknown, isCutOff: boolean): string {
  if (isCutOff) throw invalidField(name, `has more than ${MAX_FIELD_BYTES} bytes.`);
  if (typeof value !== "string") throw invalidField(name, "is not text.");
  return value;
}

function tooLarge({ fileField, maxBytes, maxBytesName }: FormRules): DomainError {
  const message = `is larger than ${maxBytesName}, which is ${maxBytes} bytes.`;
  return new DomainError("too_large", `${fileField}: ${message}`, {
    fieldErrors: { [fileField]: [message] },
  });
}
