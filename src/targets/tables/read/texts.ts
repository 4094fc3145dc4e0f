/** Parts of messages about tables. */

const MAX_SHOWN = 100;

/** A value as a message quotes it. */
export function shown(value: string | null): string {
  if (value === null) return "null";
  return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
}

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
