import { storableJson } from "../../platform/postgres/storable.ts";
import { MAX_RENDERED_BYTES } from "../limits.ts";
import { mayHaveTemplates, parseTemplate, type Reference, TemplateError } from "./parse-template.ts";
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
    if (typeof first !== "string" && second === undefined) return take(first);
    return pieces.map((piece) => (typeof piece === "string" ? piece : textOf(take(piece)))).join("");
  }) as T;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : storableJson(value);
}
