/** The errors of a definition from an answer of the API, by their fields. */
import type { Problems } from "../../../tasks/form/problems.ts";
import type { Definition } from "./definition.ts";
import type { Tab } from "./tabs.ts";

export type { Problems };

/** @param answered by the API, under its names */
export function problemsOf(answered: Problems, definition: Definition): Problems {
  const found = Object.entries(answered).map(
    ([path, text]) => [path.replace(/^definition\./, ""), text] as const,
  );
  return Object.fromEntries(withoutOtherKinds(found, definition));
}

type Entries = readonly (readonly [path: string, text: string])[];

/** A transform has one of several kinds. The API also says how it differs from the others. */
function withoutOtherKinds(found: Entries, { columns }: Definition): Entries {
  return found.filter(([path]) => {
    const [area, at, field, number, kind] = path.split(".");
    if (area !== "columns" || field !== "transform" || number === undefined) return true;
    const transform = columns[Number(at)]?.transform?.[Number(number)];
    return typeof transform !== "object" || (kind !== undefined && kind in transform);
  });
}

/** The errors of a field and of everything in it. */
export function problemAt(problems: Problems, path: string): string | undefined {
  const texts = Object.entries(problems).flatMap(([found, text]) => {
    if (found === path) return text;
    return found.startsWith(`${path}.`) ? `${found.slice(path.length + 1)}: ${text}` : [];
  });
  return texts.length > 0 ? texts.join(" ") : undefined;
}

export interface Place {
  readonly tab: Tab;
  /** The position of the column. */
  readonly column?: number;
}

const RULE_FIELDS = ["rules", "update", "undo", "permissions", "unknown_columns"];

/** Returns the part of the form that shows a field. */
export function placeOf(path: string): Place {
  const [area = "", position] = path.split(".");
  if (area === "columns") {
    return position === undefined ? { tab: "columns" } : { tab: "columns", column: Number(position) };
  }
  return { tab: RULE_FIELDS.includes(area) ? "rules" : "target" };
}
