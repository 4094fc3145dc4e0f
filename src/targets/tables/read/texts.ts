/** Parts of messages about tables. */

const MAX_SHOWN = 100;

/** A value as a message quotes it. */
export function shown(value: string | null): string {
  return value === null ? "null" : JSON.stringify(shortened(value));
}

/** A value as a message shows it between its own quotes. */
export function shortened(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** The advice of a batch that is paused because no row can succeed. */
export const CORRECT_THEN_RESUME =
  "An administrator must correct the table, its privileges or the target. Then resume the batch.";

export function tableName({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${schema}.${table}`;
}

/** The condition of a constraint as PostgreSQL prints it, for example of `CHECK (((credit >= (0)::numeric)))`. */
export function conditionOf(definition: string): string {
  let text = definition.replace(/^CHECK /, "").replace(/ (NOT VALID|NO INHERIT|NOT ENFORCED)$/, "");
  while (isEnclosed(text)) text = text.slice(1, -1);
  return text
    .replace(/\((-?[\w.]+|"[^"]+")\)::/g, "$1::")
    .replace(
      /::(text|numeric|bpchar|character varying|integer|bigint|smallint|double precision|date)(\[\])?(?![\w(])/g,
      "",
    );
}

/** Whether one pair of parentheses encloses the whole text. */
function isEnclosed(text: string): boolean {
  if (!text.startsWith("(")) return false;
  let depth = 0;
  let isQuoted = false;
  for (const [position, character] of [...text].entries()) {
    if (character === "'") isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === "(") depth++;
    else if (character === ")" && --depth === 0) return position === [...text].length - 1;
  }
  return false;
}

/** A name for statements that people run: in quotes if it needs them. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
