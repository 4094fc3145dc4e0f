/** How a file writes numbers, dates and booleans: the locale of the upload, or else of the target, or else the defaults. */
import type { Locale } from "../definition/locale.ts";

export interface ResolvedLocale {
  readonly decimal: "." | ",";
  readonly group: string;
  readonly dateOrder: "ymd" | "dmy" | "mdy";
  readonly timezone: string;
  /** Words in lower case to `t` and `f`. */
  readonly booleans: ReadonlyMap<string, "t" | "f">;
  /** In lower case, without the empty word. */
  readonly nulls: ReadonlySet<string>;
}

export const DEFAULT_TRUE: readonly string[] = ["true", "t", "yes", "y", "on", "1"];
export const DEFAULT_FALSE: readonly string[] = ["false", "f", "no", "n", "off", "0"];

export function resolveLocale(...locales: readonly (Locale | undefined)[]): ResolvedLocale {
  const locale = mergeLocales(...locales);
  const decimal = locale.decimal ?? ".";
  const group = locale.group ?? "";
  return {
    decimal,
    group: group === decimal ? "" : group,
    dateOrder: locale.date_order ?? "ymd",
    timezone: locale.timezone ?? "UTC",
    booleans: new Map([
      ...(locale.true ?? DEFAULT_TRUE).map((word) => [foldWord(word), "t"] as const),
      ...(locale.false ?? DEFAULT_FALSE).map((word) => [foldWord(word), "f"] as const),
    ]),
    nulls: new Set((locale.null ?? []).map(foldWord).filter((word) => word !== "")),
  };
}

/** Later locales win, field by field. */
export function mergeLocales(...locales: readonly (Locale | undefined)[]): Locale {
  return Object.assign({}, ...locales);
}

/** Words match in any case, and however Unicode composes their letters. */
export function foldWord(word: string): string {
  return word.trim().normalize("NFC").toLowerCase();
}
