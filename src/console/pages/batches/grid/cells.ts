/** The text, the errors and the state of a cell. */
import type { Batch, Row } from "../data/types.ts";
import type { Edits } from "./edits.ts";

/** As the API shows secret cells. */
const MASK = "***";

export interface CellView {
  readonly text: string;
  readonly errors: readonly string[];
  readonly isEdited: boolean;
  readonly isSecret: boolean;
}

export interface CellRules {
  /** The column of the file for each column of the target. */
  readonly mapping: Readonly<Record<string, string>>;
  readonly header: readonly string[];
  /** Columns of the file whose cells are secret. */
  readonly secrets: ReadonlySet<string>;
}

export function rulesOf(
  { mapping, header }: Pick<Batch, "mapping" | "header">,
  target: { readonly columns: readonly { readonly name: string; readonly secret: boolean }[] } | undefined,
): CellRules {
  const secrets = target?.columns.flatMap(({ name, secret }) => (secret ? (mapping[name] ?? []) : [])) ?? [];
  return { mapping, header, secrets: new Set(secrets) };
}

/** The column of the file that an error is about; null if it is about the whole row. */
function columnOf({ mapping, header }: CellRules, column: string | null): string | null {
  if (column === null) return null;
  const mapped = mapping[column];
  return mapped ?? (header.includes(column) ? column : null);
}

export function viewCell(row: Row, column: string, edits: Edits, rules: CellRules): CellView {
  const stored = row.fields[column] ?? "";
  const edited = edits.rows.get(row.row)?.get(column);
  const errors =
    row.status === "failed"
      ? row.errors.filter((error) => columnOf(rules, error.column) === column).map(({ message }) => message)
      : [];
  return {
    text: edited?.after ?? stored,
    errors,
    isEdited: edited !== undefined,
    // Any cell of a row that is not valid CSV may be secret.
    isSecret: rules.secrets.has(column) || (rules.secrets.size > 0 && stored === MASK),
  };
}

/** The problems of a row that no cell shows. */
export function problemsOf(row: Row, edits: Edits, rules: CellRules): readonly string[] {
  const refused = edits.problems.get(row.row);
  const own = row.errors
    .filter((error) => columnOf(rules, error.column) === null)
    .map(({ message }) => message);
  const all = row.errors.length === 0 && row.error_message ? [row.error_message] : own;
  return refused ? [refused, ...all] : all;
}

/** The rows that the widths are measured by. */
export const MEASURED_ROWS = 40;
const MIN_WIDTH = 130;
/** Room for the text of an error. */
const MIN_ERROR_WIDTH = 200;
const MAX_WIDTH = 320;
const CHARACTER = 7.6;
const PADDING = 34;

/** Column widths that suit the header and the first rows. */
export function widthsOf(rules: CellRules, rows: readonly Row[]): number[] {
  const wrong = new Set(rows.flatMap(({ errors }) => errors.map(({ column }) => columnOf(rules, column))));
  return rules.header.map((name) => {
    const longest = rows.reduce(
      (most, row) => Math.max(most, (row.fields[name] ?? "").length),
      name.length * 1.05,
    );
    return Math.round(
      Math.max(
        wrong.has(name) ? MIN_ERROR_WIDTH : MIN_WIDTH,
        Math.min(MAX_WIDTH, longest * CHARACTER + PADDING),
      ),
    );
  });
}
