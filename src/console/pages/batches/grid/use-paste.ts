import { notifications } from "@mantine/notifications";
import { showDone, showFailure } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { rowWords as words } from "../../../words/rows.ts";
import type { Batch } from "../data/types.ts";
import { useTarget } from "../data/use-target.ts";
import { rulesOf, viewCell } from "./cells.ts";
import { type Change, MAX_EDITED_ROWS, NO_EDITS } from "./edits.ts";
import type { GridEditing } from "./grid-model.ts";
import type { EditsOfBatch } from "./use-edits.ts";
import type { RowWindows } from "./windows.ts";

/** Reading the rows that a paste fills takes at most this long. */
const MAX_MS = 30_000;

/** Fills rows from a position on. Rows that the grid has not shown yet are read first. */
export function usePaste(
  { header, mapping, target }: Batch,
  rows: RowWindows,
  own: EditsOfBatch,
): GridEditing["paste"] {
  const rules = rulesOf({ header, mapping }, useTarget(target));
  const changesOf = (index: number, column: number, cells: readonly (readonly string[])[]): Change[] =>
    cells.flatMap((line, down) => {
      const row = rows.at(index + down);
      if (!row) return [];
      return line.flatMap((after, right) => {
        const name = header[column + right];
        if (name === undefined || viewCell(row, name, NO_EDITS, rules).isSecret) return [];
        return [{ row: row.row, column: name, before: row.fields[name] ?? "", after }];
      });
    });
  const paste = async (index: number, column: number, cells: readonly (readonly string[])[]) => {
    const part = cells.slice(0, MAX_EDITED_ROWS);
    const changes: Change[] = [];
    // Rows are taken as they are read: the first ones are dropped from memory if the paste is long.
    const STEP = 100;
    const signal = AbortSignal.timeout(MAX_MS);
    for (let at = 0; at < part.length; at += STEP) {
      const lines = part.slice(at, at + STEP);
      await rows.reach(index + at + lines.length - 1, signal);
      changes.push(...changesOf(index + at, column, lines));
    }
    if (changes.length === 0) {
      notifications.show({ color: "yellow", message: words.pastedNothing });
      return;
    }
    own.change(changes);
    const filled = new Set(changes.map(({ row }) => row)).size;
    if (cells.length > 1 || changes.length > 1)
      showDone(
        words.pasted(
          words.cells(changes.length, formatCount(changes.length)),
          words.rows(filled, formatCount(filled)),
        ),
      );
    const left = cells.length - filled;
    if (left > 0)
      notifications.show({ color: "yellow", message: words.pastedPart(words.rows(left, formatCount(left))) });
  };
  return (...args) => void paste(...args).catch(showFailure);
}
