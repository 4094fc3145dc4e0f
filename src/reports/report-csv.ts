import { csvRecords, defuse } from "../platform/csv/cells.ts";

type Line = readonly [section: string, item: string, field: string, value: string];

/** One line per value, so that reports of all kinds have the same columns. Values of the report itself come first. */
export function reportCsv(data: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(data);
  const own = entries.flatMap(([name, value]): Line[] =>
    isNested(value) ? [] : [["report", "", name, textOf(value)]],
  );
  const sections = entries.flatMap(([name, value]) => (isNested(value) ? linesOf(name, value) : []));
  const lines = [...own, ...sections].map((line) => line.map(defuse));
  return csvRecords([["section", "item", "field", "value"], ...lines]);
}

/** The items of a list are numbered; those of an object have their names. */
function linesOf(section: string, value: object): Line[] {
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, item]: [string, unknown]): Line[] => {
    if (!isNested(item)) return [[section, key, "", textOf(item)]];
    const name = isList ? String(Number(key) + 1) : key;
    return leavesOf(item).map(([field, leaf]) => [section, name, field, textOf(leaf)]);
  });
}

function leavesOf(value: object, path = ""): (readonly [field: string, value: unknown])[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    isNested(inner) ? leavesOf(inner, `${path}${key}.`) : [[path + key, inner] as const],
  );
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string {
  return value === null ? "" : String(value);
}
