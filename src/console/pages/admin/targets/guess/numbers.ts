/** Recognizes how a column writes numbers. */
import type { Locale } from "../definition/definition.ts";

export interface NumberStyle {
  readonly decimal: NonNullable<Locale["decimal"]>;
  readonly group: NonNullable<Locale["group"]>;
}

/** Earlier styles win if several fit. */
export const NUMBER_STYLES: readonly NumberStyle[] = [
  { decimal: ".", group: "" },
  { decimal: ",", group: "" },
  { decimal: ".", group: "," },
  { decimal: ",", group: "." },
  { decimal: ".", group: " " },
  { decimal: ",", group: " " },
  { decimal: ".", group: "'" },
];

const GROUPS: Readonly<Record<string, string>> = {
  ",": ",",
  ".": "\\.",
  " ": "[ \\u00a0\\u202f]",
  "'": "['’]",
};

const patterns = new Map(NUMBER_STYLES.map((style) => [style, patternOf(style)]));

function patternOf({ decimal, group }: NumberStyle): RegExp {
  const fraction = `(?:${decimal === "." ? "\\." : ","}\\d+)?`;
  const grouped = group === "" ? "" : `|\\d{1,3}(?:${GROUPS[group]}\\d{3})+`;
  return new RegExp(`^[+-]?(?:\\d+${grouped})${fraction}$`);
}

function fitsStyle(values: readonly string[], style: NumberStyle): boolean {
  const pattern = patterns.get(style);
  return values.every((value) => pattern?.test(value));
}

/** The styles in which every value is a number. */
export function stylesOf(values: readonly string[]): NumberStyle[] {
  return NUMBER_STYLES.filter((style) => fitsStyle(values, style));
}

const SYMBOL = "(?:[€$£¥₹]|[A-Z]{3}|kr|zł|Kč)";
const BEFORE = new RegExp(`^(${SYMBOL})\\s?(?=[\\d+-])`);
const AFTER = new RegExp(`(?<=\\d)\\s?(${SYMBOL})$`);

/** Numbers without their currency, and the symbols; null if no value has one. */
export function withoutCurrency(values: readonly string[]): { values: string[]; symbols: string[] } | null {
  const symbols = new Set<string>();
  const bare = values.map((value) => {
    const symbol = BEFORE.exec(value)?.[1] ?? AFTER.exec(value)?.[1];
    if (symbol !== undefined) symbols.add(symbol);
    return value.replace(BEFORE, "").replace(AFTER, "");
  });
  return symbols.size > 0 ? { values: bare, symbols: [...symbols] } : null;
}

/** Numbers such as `1,234` that are a thousand in one country, and about one in another. */
export function isAmbiguousNumber(values: readonly string[]): boolean {
  const separated = values.filter((value) => /[.,]/.test(value));
  return separated.length > 0 && separated.every((value) => /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(value));
}

export function hasFraction(value: string, { decimal }: NumberStyle): boolean {
  return value.includes(decimal);
}
