/** Reads and changes batches and rows. */
import { client } from "../../../api/client.ts";
import type { Replaced, Replacement, RowEdit, RowFilter, RowPage } from "./types.ts";

/** Reads rows from this row number on. */
export async function readRows(
  batchId: string,
  { status, undo, code, column }: RowFilter,
  { fromRow, limit, signal }: { fromRow: number; limit: number; signal: AbortSignal },
): Promise<RowPage> {
  const query = {
    limit,
    from_row: fromRow,
    ...(status === undefined ? {} : { status }),
    ...(undo === undefined ? {} : { undo }),
    ...(code === undefined ? {} : { error_code: code }),
    ...(column === undefined ? {} : { error_column: column }),
  };
  const path = { batch_id: batchId };
  let page = await client.get("/api/v1/batches/{batch_id}/rows", { path, query, signal });
  // One answer looks at a part of the failed rows.
  while (page.items.length === 0 && page.next_cursor !== null) {
    const next = { ...query, cursor: page.next_cursor };
    page = await client.get("/api/v1/batches/{batch_id}/rows", { path, query: next, signal });
  }
  return { items: page.items, hasMore: page.next_cursor !== null };
}

/** Stores new cells, of all these rows or of none. @throws RowmillError whose `field_errors` name the rows */
export async function editRows(batchId: string, edits: readonly RowEdit[]): Promise<void> {
  const rows = edits.map(({ row, fields }) => ({ row, fields: { ...fields } }));
  await client.post("/api/v1/batches/{batch_id}/rows/edit", { path: { batch_id: batchId }, body: { rows } });
}

/** Counts the matches in failed rows. With the result of that, replaces them. */
export function replaceCells(
  batchId: string,
  replacement: Replacement,
  counted?: Replaced,
): Promise<Replaced> {
  const { column, find, replace, isWholeCell, ignoresCase } = replacement;
  return client.post("/api/v1/batches/{batch_id}/rows/edit", {
    path: { batch_id: batchId },
    body: {
      column,
      find,
      replace,
      match: isWholeCell ? "whole_cell" : "contains",
      ignore_case: ignoresCase,
      ...(counted ? { expect: counted.matched } : {}),
      // Rows that were not counted stay as they are.
      ...(counted?.next_row ? { filter: { to_row: counted.next_row - 1 } } : {}),
    },
  });
}
