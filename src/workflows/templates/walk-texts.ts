import { TemplateError } from "./parse-template.ts";

const MAX_DEPTH = 32;

/**
 * Copies a value with each of its texts replaced. Names of fields stay as they are.
 * @param field the path of the value, which `replace` receives for each text
 * @throws TemplateError if the value is nested deeper than 32 levels
 */
export function mapTexts(
  value: unknown,
  field: string,
  replace: (text: string, field: string) => unknown,
  depth = 0,
): unknown {
  if (typeof value === "string") return replace(value, field);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) throw new TemplateError(`is nested deeper than ${MAX_DEPTH} levels.`);
  if (Array.isArray(value))
    return value.map((item, index) => mapTexts(item, `${field}.${index}`, replace, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      mapTexts(item, `${field}.${name}`, replace, depth + 1),
    ]),
  );
}
