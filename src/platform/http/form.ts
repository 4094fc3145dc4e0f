/** Reads small multipart forms into memory: the fields, and one file before, between or after them. */
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { DomainError, invalidField } from "../../errors.ts";
import type { HeldBytes } from "./body-memory.ts";
import { untilEnd } from "./body-pace.ts";
import { bodyError, requireConnection } from "./broken-body.ts";
import { FIELD_LIMITS, FormFields, MAX_FORM_BYTES } from "./form-fields.ts";
import { requesterOf } from "./requester.ts";

export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  /** null: no file was chosen. Browsers then send a file without a name or content. */
  readonly file: Buffer | null;
}

export interface FormRules {
  /** The fields to read; others are ignored. */
  readonly fieldNames: readonly string[];
  /** The only field that can have a file. */
  readonly fileField: string;
  readonly maxBytes: number;
  /** The setting that `maxBytes` comes from. */
  readonly maxBytesName: string;
}

/**
 * Reads the form, then calls `use` with it.
 * @throws DomainError that names the invalid field, or the exceeded limit
 */
export async function withForm<T>(
  request: FastifyRequest,
  rules: FormRules,
  use: (form: Form) => Promise<T>,
): Promise<T> {
  const held = request.server.bodyMemory.hold(requesterOf(request));
  try {
    return await use(await readForm(request, rules, held));
  } catch (error) {
    request.raw.unpipe();
    throw bodyError(error);
  } finally {
    held.release();
  }
}

async function readForm(request: FastifyRequest, rules: FormRules, held: HeldBytes): Promise<Form> {
  const { fieldNames, fileField, maxBytes } = rules;
  // A body that exceeds all limits together need not be read.
  if (Number(request.headers["content-length"] ?? 0) > maxBytes + MAX_FORM_BYTES) throw tooLarge(rules);
  const fields = new FormFields(fieldNames);
  let file: Buffer | null = null;
  requireConnection(request);
  const parts = request.parts({ limits: { ...FIELD_LIMITS, fileSize: maxBytes } });
  const signal = request.arrivingBody?.signal;
  for await (const part of untilEnd(parts, signal)) {
    if (part.type === "field") {
      fields.add(part);
      continue;
    }
    if (part.fieldname !== fileField) {
      const shown = part.fieldname.slice(0, 100);
      throw invalidField(shown, `is a file. Send the file in the field \`${fileField}\`.`);
    }
    if (file) throw invalidField(fileField, "was sent more than once. Send one file.");
    signal?.addEventListener("abort", () => part.file.destroy(signal.reason), { once: true });
    const bytes = await readFile(part, rules, held);
    if (bytes.length > 0 || part.filename) file = bytes;
  }
  return { fields: fields.values, file };
}

async function readFile({ file }: MultipartFile, rules: FormRules, held: HeldBytes): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of file as AsyncIterable<Buffer>) {
    pieces.push(piece);
    held.add(piece.length);
  }
  if (file.truncated) throw tooLarge(rules);
  return Buffer.concat(pieces);
}

function tooLarge({ fileField, maxBytes, maxBytesName }: FormRules): DomainError {
  const message = `is larger than ${maxBytes} bytes (${maxBytesName}).`;
  return new DomainError("too_large", `${fileField}: ${message}`, {
    fieldErrors: { [fileField]: [message] },
  });
}
