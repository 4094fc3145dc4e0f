import { useMemo } from "react";
import type { Batch } from "../data/types.ts";
import { useTarget } from "../data/use-target.ts";
import { MEASURED_ROWS, rulesOf, widthsOf } from "./cells.ts";
import type { GridModel } from "./grid-model.ts";
import type { RowWindows } from "./windows.ts";

/** Returns the rules of the cells, and what every grid of the rows of a batch has in its model. */
export function useSource(batch: Batch, rows: RowWindows) {
  const target = useTarget(batch.target);
  const rules = useMemo(() => rulesOf(batch, target), [batch, target]);
  const isRead = !rows.isLoading;
  // Widths stay while the user scrolls and edits.
  const widths = useMemo(() => widthsOf(rules, rows.firstRows(MEASURED_ROWS)), [batch.id, isRead]);
  const source = {
    header: batch.header,
    count: rows.count,
    widths,
    at: (index) => rows.at(index),
    numberAt: (index) => rows.numberAt(index),
    onVisible: (first, last) => rows.show(first, last),
  } satisfies Partial<GridModel>;
  return { rules, source };
}
