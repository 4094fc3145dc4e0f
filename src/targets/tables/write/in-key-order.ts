/** Writes groups of rows with the same key, one row per group at a time, until each group has a row that counts. */
import type { Outcome } from "../../target.ts";
import type { KeyGroup, TableRow } from "./table-rows.ts";

export type Outcomes = Map<TableRow, Outcome>;

export interface GroupRules {
  /** Whether the last row of a group counts, and not the first one. */
  readonly isLastFirst: boolean;
  /** Writes the rows, which have different keys and are in the order of their keys. */
  write(rows: readonly TableRow[]): Promise<ReadonlyMap<TableRow, Outcome>>;
  /** The outcome of the other rows of a group. Undefined: the next one is tried. */
  outcomeAfter(row: TableRow, outcome: Outcome, other: TableRow): Outcome | undefined;
}

/** A row that fails for a reason of its own leaves its key to the next row of the group. */
export async function writeGroups(groups: readonly KeyGroup[], rules: GroupRules): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  let open = groups.map((group) => (rules.isLastFirst ? group.toReversed() : group));
  while (open.length > 0) {
    const results = await rules.write(open.flatMap(([row]) => row ?? []));
    open = open.flatMap(([row, ...others]) => {
      const outcome = row && results.get(row);
      if (!row || !outcome) throw new Error("A row has no outcome.");
      outcomes.set(row, outcome);
      const left = others.filter((other) => {
        const decided = rules.outcomeAfter(row, outcome, other);
        if (decided) outcomes.set(other, decided);
        return !decided;
      });
      return left.length > 0 ? [left] : [];
    });
  }
  return outcomes;
}
