/** Values at the edges of a JSON Schema, inside and outside, to see how the API takes them. */
import { type Document, follow, type Schema } from "./document.ts";

/** One value of each type. */
const TYPES = [null, {}, "x", -1];
/** Texts that PostgreSQL, JSON or a URL may trip over. */
const TEXTS = ["", "\u0000\ud83d\ude00"];
const MAX_LENGTH = 12_000;

/** Values that the schema allows, and values that it does not. */
export function boundariesOf(document: Document, given: Schema): unknown[] {
  const schema = follow(document, given);
  const { anyOf, oneOf, type, items } = schema;
  const variants = anyOf ?? oneOf;
  if (variants) return [...new Set(variants.flatMap((one) => boundariesOf(document, one)))];
  const known = [...(schema.enum ?? []), ...(schema.examples ?? [])];
  switch (type) {
    case "integer":
    case "number":
      return [...TYPES, ...known, ...numbersOf(schema), 1.5, 1e300];
    case "string":
      return [...TYPES, ...TEXTS, ...known, ...textsOf(schema)];
    case "array":
      return [...TYPES, ...known, ...arraysOf(document, schema, items ?? {})];
    default:
      return [...TYPES, ...known];
  }
}

function numbersOf({ minimum, exclusiveMinimum, maximum }: Schema): number[] {
  return [minimum, exclusiveMinimum, maximum].flatMap((edge) =>
    edge === undefined ? [] : [edge - 1, edge, edge + 1],
  );
}

function textsOf({ minLength = 0, maxLength, format }: Schema): string[] {
  if (format === "uuid") return ["00000000-0000-0000-0000-000000000000", "urn:uuid:0"];
  const lengths = [minLength, minLength - 1, maxLength, (maxLength ?? MAX_LENGTH) + 1];
  return lengths
    .filter((length) => length !== undefined && length >= 0 && length <= MAX_LENGTH)
    .map((length) => "a".repeat(Number(length)));
}

function arraysOf(document: Document, { minItems = 0, maxItems = 20 }: Schema, items: Schema): unknown[][] {
  const lengths = [minItems - 1, minItems, maxItems, maxItems + 1].filter((length) => length >= 0);
  const [first = "x"] = follow(document, items).examples ?? [];
  return [
    ...lengths.filter((length) => length <= 100).map((length) => Array<unknown>(length).fill(first)),
    ...boundariesOf(document, items).map((item) => [item]),
  ];
}
