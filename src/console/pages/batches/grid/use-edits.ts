/** The unsaved changes of each batch. They stay when the user opens another tab or page, or signs in again. */
import { notifications } from "@mantine/notifications";
import { useSyncExternalStore } from "react";
import { formatCount } from "../../../parts/format.ts";
import { rowWords as words } from "../../../words/rows.ts";
import { type Change, change, type Edits, MAX_EDITED_ROWS, NO_EDITS, undo } from "./edits.ts";

const byBatch = new Map<string, Edits>();
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

function set(batchId: string, edits: Edits): void {
  if (edits.rows.size === 0 && edits.steps.length === 0) byBatch.delete(batchId);
  else byBatch.set(batchId, edits);
  // The browser asks before it closes a page with unsaved changes.
  const isUnsaved = byBatch.values().some(({ rows }) => rows.size > 0);
  (isUnsaved ? addEventListener : removeEventListener)("beforeunload", warn);
  for (const listener of listeners) listener();
}

export interface EditsOfBatch {
  readonly edits: Edits;
  readonly change: (changes: readonly Change[]) => void;
  readonly undo: () => void;
  readonly discard: () => void;
  readonly update: (next: (edits: Edits) => Edits) => void;
}

export function useEdits(batchId: string): EditsOfBatch {
  const edits = useSyncExternalStore(subscribe, () => byBatch.get(batchId) ?? NO_EDITS);
  const update = (next: (edits: Edits) => Edits) => set(batchId, next(byBatch.get(batchId) ?? NO_EDITS));
  return {
    edits,
    change: (changes) =>
      update((known) => {
        const next = change(known, changes);
        if (next === known && known.rows.size + changes.length > MAX_EDITED_ROWS)
          notifications.show({ color: "yellow", message: words.tooMany(formatCount(MAX_EDITED_ROWS)) });
        return next;
      }),
    undo: () => update(undo),
    discard: () => set(batchId, NO_EDITS),
    update,
  };
}
