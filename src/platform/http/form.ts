/** Reads small multipart forms into memory: the fields, and one file before, between or after them. */
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyReply, FastifyRequest } from "fastify";
import { DomainError, invalidField } from "../../errors.ts";
import { bodyError, drainBody } from "./broken-body.ts";

export interface Form {
  /** If a field was sent more than once, its last value. */
  readonly fields: ReadonlyMap<string, string>;
  /** null: no file was chosen. Browsers then send a file without a name or content. */
  readonly file: Buffer | null;
}

export interface FormRules {
  /** The only field that can have a file. */
  readonly fileField: string;
  readonly maxBytes: number;
  /** The setting that `maxBytes` comes from. */
  readonly maxBytesName: string;
}

/** Far above the limits of all fields, so that the rule of the field refuses long text, with a better message. */
const MAX_FIELD_BYTES = 2 ** 18;
const MAX_FIELDS = 50;

/** The limit for the files of all forms that are in memory at the same time. */
const MAX_HELD_BYTES = 256 * 2 ** 20;
const RETRY_AFTER_SECONDS = 5;
let heldBytes = 0;
/** A client that sends very slowly must not hold memory for longer. */
const MAX_RECEIVE_MS = 300_000;

class MemoryTaken extends Error {
  readonly statusCode = 503;
}

/**
 * Reads the form, then calls `use` with it.
 * @throws DomainError that names the invalid field, or the exceeded limit
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
  // A body that exceeds all limits together need not be read.
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
      throw invalidField(shown, `is a file. Send the file in the field \`${fileField}\`.`);
    }
    if (file) throw invalidField(fileField, "was sent more than once. Send one file.");
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
    if (heldBytes > MAX_HELD_BYTES) throw new MemoryTaken("The memory for uploaded pictures is exhausted.");
  }
  if (file.truncated) throw tooLarge(rules);
  return Buffer.concat(pieces);
}

function textOf(name: string, value: unknown, isCutOff: boolean): string {
  if (isCutOff) throw invalidField(name, `must have at most ${MAX_FIELD_BYTES} bytes.`);
  if (typeof value !== "string") throw invalidField(name, "must be text.");
  return value;
}

function tooLarge({ fileField, maxBytes, maxBytesName }: FormRules): DomainError {
  const message = `is larger than ${maxBytes} bytes (${maxBytesName}).`;
  return new DomainError("too_large", `${fileField}: ${message}`, {
    fieldErrors: { [fileField]: [message] },
  });
}
