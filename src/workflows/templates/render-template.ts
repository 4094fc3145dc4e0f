import { storableJson } from "../../platform/postgres/storable.ts";
import { MAX_RENDERED_BYTES } from "../limits.ts";
import {
  mayHaveTemplates,
  type Piece,
  parseTemplate,
  type Reference,
  TemplateError,
} from "./parse-template.ts";
import { mapTexts } from "./walk-texts.ts";

/** A value for a template, with the bytes of its JSON. */
export interface Value {
  readonly value: unknown;
  readonly bytes: number;
}

/**
 * Replaces the templates in a value. A text that is one template gets the value itself, with its type; a template within a
 * text becomes text.
 * @throws TemplateError if the result is longer than MAX_RENDERED_BYTES of JSON
 */
export function renderTemplates<T>(task: T, readValue: (reference: Reference) => Value): T {
  let left = MAX_RENDERED_BYTES - Buffer.byteLength(JSON.stringify(task));
  const take = (reference: Reference): unknown => {
    const { value, bytes } = readValue(reference);
    left -= bytes;
    if (left < 0) {
      throw new TemplateError(
        `The parameters with the inserted results have more than ${MAX_RENDERED_BYTES} bytes. Refer to single fields of results.`,
      );
    }
    return value;
  };
  return mapTexts(task, "", (text) => {
    if (!mayHaveTemplates(text)) return text;
    const pieces = parseTemplate(text);
    const [first = "", second] = pieces;
    const isValue = typeof first !== "string" && second === undefined;
    const rendered = isValue
      ? take(first)
      : pieces.map((piece) => (typeof piece === "string" ? piece : textOf(take(piece)))).join("");
    requireNoSecrets(rendered, pieces);
    return rendered;
  }) as T;
}

/**
 * A result, such as the answer of a service, must not name secrets: the step would send them to wherever the result says.
 * @throws TemplateError if the rendered value names secrets that the author of the workflow has not written
 */
function requireNoSecrets(rendered: unknown, pieces: readonly Piece[]): void {
  const written = pieces.reduce(
    (sum, piece) => sum + (typeof piece === "string" ? countPlaces(piece) : 0),
    0,
  );
  if (countPlaces(typeof rendered === "string" ? rendered : JSON.stringify(rendered)) === written) return;
  throw new TemplateError(
    "An inserted result contains `{{secret`, which only the author of a workflow may write.",
  );
}

function countPlaces(text: string | undefined): number {
  return [...(text ?? "").matchAll(/\{\{\s*secret/g)].length;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : storableJson(value);
}
