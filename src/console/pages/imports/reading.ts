/** How a file is read: what the person chose. Everything else is detected, here and by the server. */
import type { Dialect } from "../../../platform/csv/open-csv.ts";
import type { TableDialect } from "../../../platform/csv/open-table.ts";
import { importWords as words } from "../../words/imports.ts";

export interface Reading {
  /** The name of a sheet of a workbook. */
  readonly sheet?: string;
  readonly encoding?: string;
  readonly delimiter?: string;
  /** Empty: none. */
  readonly quote?: string;
  readonly header?: boolean;
  readonly skipLines?: number;
}

/** The names that the API has for delimiters that forms would trim. */
const DELIMITER_NAMES: Readonly<Record<string, string>> = { "\t": "tab", " ": "space", "  ": "spaces" };

/** The fields of an upload. */
export function readingFields({ sheet, encoding, delimiter, quote, header, skipLines }: Reading) {
  return {
    ...(sheet === undefined ? {} : { sheet }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(delimiter === undefined ? {} : { delimiter: DELIMITER_NAMES[delimiter] ?? delimiter }),
    ...(quote === undefined ? {} : { quote: quote === "" ? "none" : quote }),
    ...(header === undefined ? {} : { header }),
    ...(skipLines === undefined ? {} : { skip_lines: skipLines }),
  };
}

/** Sets one setting, or leaves it to detection. */
export function withSetting<K extends keyof Reading>(
  reading: Reading,
  name: K,
  value: Reading[K] | undefined,
): Reading {
  const { [name]: _, ...rest } = reading;
  return value === undefined ? rest : { ...rest, [name]: value };
}

export function delimiterName(delimiter: string): string {
  const known = words.delimiters[delimiter];
  if (known !== undefined) return known;
  const [character = "", blank] = delimiter;
  const code = character.charCodeAt(0);
  const name =
    words.delimiters[character] ?? (code < 32 ? `U+00${code.toString(16).padStart(2, "0")}` : character);
  return blank === undefined ? name : words.delimiterAndBlank(name);
}

export function quoteName(quote: string): string {
  return words.quotes[quote] ?? quote;
}

/** Names as people write them: `UTF-8`, `Windows-1251`, `Shift_JIS`. */
export function encodingName(encoding: string): string {
  if (/^(utf|iso|koi8|gb|euc|ibm)/.test(encoding)) return encoding.toUpperCase();
  return encoding.replace(/^[a-z]/, (letter) => letter.toUpperCase()).replace("_jis", "_JIS");
}

export function isGuessedEncoding({ encoding, encoding_confidence }: Dialect): boolean {
  return encoding_confidence < 1 && encoding !== "utf-8";
}

const UNSURE_HEADER = 0.7;

export function isGuessedHeader({ header_from, header_confidence }: TableDialect): boolean {
  return header_from === "guessed" && header_confidence < UNSURE_HEADER;
}
