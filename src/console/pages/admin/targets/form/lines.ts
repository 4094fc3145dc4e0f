/** Lists as lines of text, for fields of forms. */
import type { Column, DestinationOf } from "../definition/definition.ts";

type EnumValues = NonNullable<Column["values"]>;
type Headers = NonNullable<DestinationOf<"http">["headers"]>;

const linesOf = (text: string) => text.split("\n").filter((line) => line.trim() !== "");

/** `gold | Gold | premium`: a value, and its other spellings. */
export function formatValues(values: EnumValues | undefined): string {
  return (values ?? []).map(({ value, synonyms = [] }) => [value, ...synonyms].join(" | ")).join("\n");
}

export function parseValues(text: string): EnumValues | undefined {
  const values = linesOf(text).map((line) => {
    const [value = "", ...synonyms] = line.split("|").map((part) => part.trim());
    const others = synonyms.filter((synonym) => synonym !== "");
    return { value, ...(others.length > 0 ? { synonyms: others } : {}) };
  });
  return values.length > 0 ? values : undefined;
}

/** Whether the lines would lose nothing. */
export function canBeLines(values: EnumValues | undefined): boolean {
  return JSON.stringify(parseValues(formatValues(values))) === JSON.stringify(values);
}

export function formatHeaders(headers: Headers | undefined): string {
  return Object.entries(headers ?? {})
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

export function parseHeaders(text: string): Headers | undefined {
  const entries = linesOf(text).map((line) => {
    const colon = line.indexOf(":");
    return colon === -1 ? [line.trim(), ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  return entries.length > 0 ? (Object.fromEntries(entries) as Headers) : undefined;
}
