/** Batches and rows as the pages of this folder read and change them. */
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";

export type Batch = Schemas["Batch"];
export type ListedBatch = Schemas["ListedBatch"];
export type Row = Schemas["Row"];
export type RowStatus = Row["status"];
export type BatchState = Batch["state"];

export type BatchAction =
  | "pause"
  | "resume"
  | "cancel"
  | "commit"
  | "undo"
  | "retry"
  | "edit_rows"
  | "delete";

/** A list leaves out what it was not asked for. */
type Acted = ListedBatch & { readonly allowed_actions?: readonly BatchAction[] };

export function allows(batch: ListedBatch, action: BatchAction): boolean {
  return (batch as Acted).allowed_actions?.includes(action) ?? false;
}

/** Which rows a list has. */
export interface RowFilter {
  readonly status?: RowStatus | undefined;
  readonly undo?: "kept" | "failed" | undefined;
  readonly code?: string | undefined;
  /** The column of the target. Empty: errors about the whole row. */
  readonly column?: string | undefined;
}

export interface RowPage {
  readonly items: readonly Row[];
  readonly hasMore: boolean;
}

/** Reads rows from this row number on. */
export async function readRows(
  batchId: string,
  { status, undo, code, column }: RowFilter,
  { fromRow, limit, signal }: { fromRow: number; limit: number; signal: AbortSignal },
): Promise<RowPage> {
  const page = (await client.call("get", "/api/v1/batches/{batch_id}/rows", {
    path: { batch_id: batchId },
    query: {
      limit,
      status,
      undo,
      error_code: code,
      error_column: column,
      ...(fromRow > 1 ? { from_row: fromRow } : {}),
    },
    signal,
  })) as { items: Row[]; next_cursor: string | null };
  return { items: page.items, hasMore: page.next_cursor !== null };
}

export interface RowEdit {
  readonly row: number;
  readonly fields: Readonly<Record<string, string>>;
}

/** Rows that one request can edit. */
export const MAX_EDITS_PER_REQUEST = 1000;

/** Stores new cells, of all these rows or of none. @throws RowmillError whose `field_errors` name the rows */
export async function editRows(batchId: string, rows: readonly RowEdit[]): Promise<void> {
  await client.call("post", EDIT_PATH, { path: { batch_id: batchId }, body: { rows } });
}

const EDIT_PATH = "/api/v1/batches/{batch_id}/rows/edit";

export interface Replacement {
  readonly column: string;
  readonly find: string;
  readonly replace: string;
  readonly isWholeCell: boolean;
  readonly ignoresCase: boolean;
}

export interface Replaced {
  readonly matched: number;
  readonly changed: number;
  readonly samples: readonly { readonly row: number; readonly before: string; readonly after: string }[];
  /** The first row that was not looked at. */
  readonly next_row: number | null;
}

/** Counts the matches in failed rows. With the counted number, replaces them. */
export async function replaceCells(
  batchId: string,
  { column, find, replace, isWholeCell, ignoresCase }: Replacement,
  expect?: number,
): Promise<Replaced> {
  const match = isWholeCell ? "whole_cell" : "contains";
  return (await client.call("post", EDIT_PATH, {
    path: { batch_id: batchId },
    body: {
      column,
      find,
      replace,
      match,
      ignore_case: ignoresCase,
      ...(expect === undefined ? {} : { expect }),
    },
  })) as Replaced;
}
