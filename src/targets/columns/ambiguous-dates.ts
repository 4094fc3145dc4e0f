/** Finds columns whose dates could be read with the day or the month first. A preview says so; nothing is guessed. */
import type { Definition } from "../definition/definition.ts";
import type { Locale } from "../definition/locale.ts";
import { resolveLocale } from "./locales.ts";
import { Problem } from "./problem.ts";
import { type CellColumn, isCellColumn, readerOf } from "./reader-of.ts";

export interface AmbiguousColumn {
  readonly column: string;
  /** The first cell that has two meanings. */
  readonly cell: string;
  /** As the definition and the locale read it, for example `2024-04-03`. */
  readonly readAs: string;
}

/** `3.4.2024`, also with a time. */
const DAY_AND_MONTH = /^(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}(?!\d)/;

/**
 * @param rows a sample of the file
 * @param mapping columns to positions in the rows
 */
export function ambiguousDates(
  definition: Definition,
  rows: readonly (readonly string[])[],
  mapping: Readonly<Record<string, number>>,
  uploadLocale?: Locale,
): AmbiguousColumn[] {
  const locale = resolveLocale(definition.locale, uploadLocale);
  return definition.columns.filter(isCellColumn).flatMap((column) => {
    if (column.type !== "date" && column.type !== "timestamp") return [];
    const position = Object.hasOwn(mapping, column.name) ? (mapping[column.name] ?? -1) : -1;
    const cells = rows.map((fields) => fields[position]?.trim() ?? "");
    const cell = firstAmbiguous(cells);
    if (cell === null) return [];
    return describe(column, cell, readerOf(column, locale)(cell));
  });
}

/** @returns null if no cell is ambiguous, or if another cell shows the order of the column */
function firstAmbiguous(cells: readonly string[]): string | null {
  let ambiguous: string | null = null;
  for (const cell of cells) {
    const [, first, second] = DAY_AND_MONTH.exec(cell) ?? [];
    if (first === undefined || second === undefined) continue;
    if (Number(first) > 12 || Number(second) > 12) return null;
    if (Number(first) !== Number(second)) ambiguous ??= cell;
  }
  return ambiguous;
}

/** A cell that is not read at all fails, so that nobody mistakes it. */
function describe({ name }: CellColumn, cell: string, read: string | Problem): AmbiguousColumn[] {
  return read instanceof Problem ? [] : [{ column: name, cell, readAs: read.slice(0, 10) }];
}
