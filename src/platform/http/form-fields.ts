/** The text fields of a multipart form, bounded together. */
import type { MultipartFields, MultipartValue } from "@fastify/multipart";
import { DomainError, invalidField } from "../../errors.ts";

/** The most that all fields of a form can have together, with their names. */
export const MAX_FORM_BYTES = 512 * 1024;
/** The longest options, `mapping` and `columns`, have 100,000 characters of up to four bytes. */
const MAX_FIELD_BYTES = 400_000;
const MAX_FIELDS = 50;

/** For the `limits` of a multipart request. */
export const FIELD_LIMITS = {
  fieldNameSize: 100,
  fieldSize: MAX_FIELD_BYTES,
  fields: MAX_FIELDS,
  parts: MAX_FIELDS + 1,
  headerPairs: 50,
};

export const TOO_MANY_FIELDS = `The form has more than ${MAX_FIELDS} fields. Leave out fields that are not documented.`;

type Field = Pick<MultipartValue, "fieldname" | "value" | "valueTruncated"> & { fields: MultipartFields };

export class FormFields {
  /** The known fields. If a field was sent more than once, its last value. */
  readonly values = new Map<string, string>();
  readonly #known: readonly string[];
  #bytes = 0;

  /** @param known other fields are ignored */
  constructor(known: readonly string[] = []) {
    this.#known = known;
  }

  /** @throws DomainError if the field is not text, or the form is too large */
  add({ fieldname: name, value, valueTruncated, fields }: Field): void {
    // The parser would keep every part of the form until the end of the request.
    delete fields[name];
    const isKnown = this.#known.includes(name);
    if (isKnown && valueTruncated) {
      const message = `must have at most ${MAX_FIELD_BYTES} bytes.`;
      throw new DomainError("too_large", `${name}: ${message}`, { fieldErrors: { [name]: [message] } });
    }
    if (isKnown && typeof value !== "string") throw invalidField(name, "must be text.");
    const text = typeof value === "string" ? value : JSON.stringify(value);
    this.#bytes += Buffer.byteLength(name) + Buffer.byteLength(text);
    if (this.#bytes > MAX_FORM_BYTES) {
      const message = `The fields of the form have more than ${MAX_FORM_BYTES} bytes together. Leave out fields that are not documented.`;
      throw new DomainError("too_large", message);
    }
    if (isKnown) this.values.set(name, text);
  }
}
