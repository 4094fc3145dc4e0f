/** Proposes a definition for a file from its header and its first rows. */
import type { Column, ColumnType, Definition, Destination, Locale } from "../definition/definition.ts";
import type { DateOrder } from "./dates.ts";
import { type Doubt, FALSE_WORDS, type Guess, guessColumn, TRUE_WORDS, valuesOf } from "./guess-column.ts";
import { identifiersOf } from "./identifiers.ts";
import { hasFraction, NUMBER_STYLES, type NumberStyle } from "./numbers.ts";

export interface GuessedColumn {
  readonly header: string;
  readonly column: Column;
  readonly doubts: readonly Doubt[];
}

export interface FileProposal {
  readonly columns: readonly GuessedColumn[];
  readonly locale: Locale;
  /** The names of the columns that seem to identify a record. */
  readonly key: readonly string[];
}

/** @param rows of cells */
export function proposeColumns(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
): FileProposal {
  const cells = headers.map((_, at) => valuesOf(rows.map((row) => row[at] ?? "")));
  const guesses = cells.map(({ values }) => guessColumn(values));
  const style = mostCommon(guesses.flatMap(({ styles = [] }) => styles)) ?? NUMBER_STYLES[0];
  const order = dateOrderOf(guesses);
  const names = identifiersOf(headers);
  const columns = headers.map((header, at) => {
    const guess = guesses[at] ?? guessColumn([]);
    return guessed(header, names[at] ?? "", settle(guess, style), order);
  });
  return {
    columns,
    locale: localeOf(guesses, { style, order, nullWords: cells.flatMap(({ nullWords }) => nullWords) }),
    key: keyOf(columns, rows),
  };
}

/** The integer or the decimal that a guess is in the style of the file. */
function settle(guess: Guess, style: NumberStyle | undefined): Guess {
  const { styles, numbers = [], symbols, doubts } = guess;
  if (!styles || !style) return guess;
  if (!styles.includes(style)) return { type: "text", doubts: ["other_style"] };
  const digits = (number: string) => number.replace(/\D/g, "");
  const isWhole = numbers.every((number) => !hasFraction(number, style) && digits(number).length <= 18);
  const isSettled = doubts.includes("ambiguous_number") && style.group !== "";
  return {
    ...guess,
    type: isWhole && symbols === undefined ? "integer" : "decimal",
    doubts: isSettled ? doubts.filter((doubt) => doubt !== "ambiguous_number") : doubts,
  };
}

function guessed(header: string, name: string, guess: Guess, order: DateOrder): GuessedColumn {
  const { type, symbols, dates, words, doubts } = guess;
  const column: Column = {
    name,
    ...(header === name ? {} : { label: header.slice(0, 100) }),
    type,
    ...(symbols ? { currency: { symbols: [...symbols] } } : {}),
    ...(dates && !dates.isIso ? { formats: [dates.patternIn(orderIn(dates.orders, order))] } : {}),
    ...(type === "enum" && words ? { values: words.map((value) => ({ value })) } : {}),
  };
  const isSettled = dates !== undefined && dates.orders.length > 1 && order === "mdy";
  return { header, column, doubts: isSettled ? [] : doubts };
}

function orderIn(orders: readonly DateOrder[], wanted: DateOrder): DateOrder {
  return orders.includes(wanted) ? wanted : (orders[0] ?? "ymd");
}

/** Columns with only one order decide about the others. */
function dateOrderOf(guesses: readonly Guess[]): DateOrder {
  const certain = guesses.flatMap(({ dates }) => (dates?.orders.length === 1 ? dates.orders : []));
  return mostCommon(certain.filter((order) => order !== "ymd")) ?? "dmy";
}

function mostCommon<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0];
}

interface Found {
  readonly style: NumberStyle | undefined;
  readonly order: DateOrder;
  readonly nullWords: readonly string[];
}

/** Only what differs from the default. */
function localeOf(guesses: readonly Guess[], { style, order, nullWords }: Found): Locale {
  const hasNumbers = guesses.some(({ styles }) => styles !== undefined);
  const hasDates = guesses.some(({ dates }) => dates !== undefined && !dates.isIso);
  const words = guesses.flatMap(({ type, words = [] }) => (type === "boolean" ? words : []));
  const DEFAULTS = 6;
  const truths = words.filter((word) => TRUE_WORDS.indexOf(word) >= DEFAULTS);
  const lies = words.filter((word) => FALSE_WORDS.indexOf(word) >= DEFAULTS);
  return {
    ...(hasNumbers && style?.decimal === "," ? { decimal: "," } : {}),
    ...(hasNumbers && style && style.group !== "" ? { group: style.group } : {}),
    ...(hasDates ? { date_order: order } : {}),
    ...(truths.length > 0 ? { true: [...new Set([...TRUE_WORDS.slice(0, DEFAULTS), ...truths])] } : {}),
    ...(lies.length > 0 ? { false: [...new Set([...FALSE_WORDS.slice(0, DEFAULTS), ...lies])] } : {}),
    ...(nullWords.length > 0 ? { null: [...new Set(nullWords)].slice(0, 50) } : {}),
  };
}

const KEY_NAME = /(^|_)(id|key|no|nr|number|code|sku|uuid)$/;

/** The first column with the name of a key whose cells all differ. */
function keyOf(columns: readonly GuessedColumn[], rows: readonly (readonly string[])[]): string[] {
  const at = columns.findIndex(({ column }, position) => {
    if (!KEY_NAME.test(column.name) || rows.length < 2) return false;
    const cells = rows.map((row) => row[position]?.trim() ?? "");
    return cells.every((cell) => cell !== "") && new Set(cells).size === cells.length;
  });
  const found = columns[at];
  return found ? [found.column.name] : [];
}

/** The column with another type, which does not keep what only the guessed type has. */
export function withType({ name, label, type: _, ...rest }: Column, type: ColumnType): Column {
  const { required, currency } = rest;
  return {
    name,
    ...(label === undefined ? {} : { label }),
    type,
    ...(required === undefined ? {} : { required }),
    ...(type === "decimal" && currency ? { currency } : {}),
  };
}

export function definitionOf(
  { locale, key }: Pick<FileProposal, "locale" | "key">,
  columns: readonly Column[],
  destination: Destination,
): Definition {
  const hasKey = key.length > 0 && destination.type !== "records";
  return {
    destination,
    ...(hasKey
      ? {
          key: { columns: [...key] },
          mode: {
            default: "insert" as const,
            allowed: ["insert", "upsert", "update", "skip_existing"] as const,
          },
        }
      : {}),
    ...(Object.keys(locale).length > 0 ? { locale } : {}),
    columns: columns.map((column) =>
      hasKey && key.includes(column.name) ? { ...column, required: true } : column,
    ),
  } as Definition;
}
