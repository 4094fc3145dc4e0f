/** Reads cells that are one of several words: booleans and enums. */
import type { ColumnDefinition } from "../definition/column.ts";
import { foldWord, type ResolvedLocale } from "./locales.ts";
import { Problem, type Reader, spreadsheetHint } from "./problem.ts";

const LISTED_WORDS = 20;

export function booleanReader({ booleans }: ResolvedLocale): Reader {
  const wordsOf = (value: "t" | "f") =>
    listWords(
      [...booleans].filter(([word, meaning]) => word !== "" && meaning === value).map(([word]) => word),
    );
  const howTo = `write ${wordsOf("t")} for true, or ${wordsOf("f")} for false`;
  return (text) => {
    const value = booleans.get(text) ?? booleans.get(foldWord(text));
    if (value !== undefined) return value;
    return new Problem("invalid_boolean", `is neither true nor false: ${spreadsheetHint(text) ?? howTo}`);
  };
}

export function enumReader({ values = [] }: Pick<ColumnDefinition, "values">): Reader {
  const words = enumWords(values);
  const howTo = `is not one of ${listWords(values.map(({ value }) => value))}`;
  return (text) => {
    const value = words.get(text) ?? words.get(foldWord(text));
    if (value !== undefined) return value;
    const hint = spreadsheetHint(text);
    return new Problem("not_an_option", hint ? `${howTo}: ${hint}` : howTo);
  };
}

/** Exact spellings win over others, and values over synonyms. */
function enumWords(values: NonNullable<ColumnDefinition["values"]>): ReadonlyMap<string, string> {
  const words = new Map<string, string>();
  const add = (word: string, value: string) => {
    if (!words.has(word)) words.set(word, value);
  };
  for (const { value } of values) add(value, value);
  for (const { value, synonyms = [] } of values) for (const synonym of synonyms) add(synonym, value);
  for (const { value } of values) add(foldWord(value), value);
  for (const { value, synonyms = [] } of values)
    for (const synonym of synonyms) add(foldWord(synonym), value);
  return words;
}

function listWords(words: readonly string[]): string {
  const shown = words.slice(0, LISTED_WORDS).join(", ");
  return words.length > LISTED_WORDS ? `${shown} and ${words.length - LISTED_WORDS} more` : shown;
}
