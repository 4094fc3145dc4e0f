/** Sends unsaved changes in requests of a bounded size. */
import { RowmillError } from "../../../../client/errors.ts";
import type { RowEdit } from "../data/types.ts";
import { type Edits, fieldsOf } from "./edits.ts";

export interface Saved {
  readonly done: ReadonlyMap<number, Readonly<Record<string, string>>>;
  /** Why a row could not be saved. */
  readonly problems: ReadonlyMap<number, string>;
}

/** The most rows, and the most text, of a request. The API takes more text, so that one row of any length fits. */
const MAX_ROWS = 1000;
const MAX_LENGTH = 500_000;

/**
 * The API stores all rows of a request or none. A row that it refuses keeps its changes, and the others are sent again.
 * @throws RowmillError if the refusal is not about rows
 */
export async function saveEdits(
  edits: Edits,
  send: (rows: readonly RowEdit[]) => Promise<void>,
): Promise<Saved> {
  const done = new Map<number, Readonly<Record<string, string>>>();
  const problems = new Map<number, string>();
  const all = [...edits.rows.keys()].map((row) => ({ row, fields: fieldsOf(edits, row) }));
  for (const request of requestsOf(all)) {
    let part = request;
    while (part.length > 0) {
      try {
        await send(part);
        for (const { row, fields } of part) done.set(row, fields);
        break;
      } catch (error) {
        const found = refusedRows(error, part);
        // Rows that are saved already stay saved.
        if (found.size === 0 && done.size === 0) throw error;
        if (found.size === 0) {
          for (const { row } of part) found.set(row, error instanceof Error ? error.message : String(error));
        }
        for (const [row, message] of found) problems.set(row, message);
        part = part.filter(({ row }) => !found.has(row));
      }
    }
  }
  return { done, problems };
}

function requestsOf(edits: readonly RowEdit[]): RowEdit[][] {
  const requests: RowEdit[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const edit of edits) {
    const own = JSON.stringify(edit.fields).length;
    const last = requests.at(-1);
    if (last && last.length < MAX_ROWS && length + own <= MAX_LENGTH) {
      last.push(edit);
      length += own;
    } else {
      requests.push([edit]);
      length = own;
    }
  }
  return requests;
}

/** The rows that an error names: `rows.3.fields.title`. */
function refusedRows(error: unknown, sent: readonly RowEdit[]): Map<number, string> {
  const found = new Map<number, string>();
  if (!(error instanceof RowmillError)) return found;
  for (const [field, messages] of Object.entries(error.field_errors)) {
    const at = /^rows\.(\d+)\b/.exec(field)?.[1];
    const edit = at === undefined ? undefined : sent[Number(at)];
    if (edit) found.set(edit.row, messages.join(" "));
  }
  return found;
}
