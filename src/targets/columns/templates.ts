/** Texts of computed columns, with the values of other columns in `{{ }}`. */
import type { Values } from "../target.ts";

export type TemplatePart = { readonly text: string } | { readonly column: string };

/** Everything outside of `{{ }}` stands for itself. */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const match of template.matchAll(/\{\{([^{}]*)\}\}/g)) {
    if (match.index > end) parts.push({ text: template.slice(end, match.index) });
    parts.push({ column: (match[1] ?? "").trim() });
    end = match.index + match[0].length;
  }
  if (end < template.length) parts.push({ text: template.slice(end) });
  return parts;
}

/**
 * @returns undefined if the row does not give a column and may update a record, whose value of this column is unknown here;
 * null if no column has a value
 */
export function fillTemplate(
  parts: readonly TemplatePart[],
  values: Values,
  mayUpdate: boolean,
): string | null | undefined {
  let text = "";
  let hasValue = false;
  for (const part of parts) {
    if ("text" in part) {
      text += part.text;
      continue;
    }
    const value = values[part.column];
    if (value === undefined && mayUpdate) return undefined;
    if (value === null || value === undefined) continue;
    hasValue = true;
    text += value;
  }
  return hasValue ? text.trim() : null;
}
