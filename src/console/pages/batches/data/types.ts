/** Batches and rows as the API sends them. */
import type { AnswerOf, OperationOf, Schemas } from "../../../../client/operations.ts";

export type Batch = Schemas["Batch"];
export type ListedBatch = Schemas["ListedBatch"];
export type Row = Schemas["Row"];
export type RowStatus = Row["status"];
export type BatchState = Batch["state"];

/** Which rows a list has. */
export interface RowFilter {
  readonly status?: RowStatus;
  readonly undo?: "kept" | "failed";
  readonly code?: string;
  /** The column of the target. Empty: errors about the whole row. */
  readonly column?: string;
}

export interface RowPage {
  readonly items: readonly Row[];
  readonly hasMore: boolean;
}

export interface RowEdit {
  readonly row: number;
  /** New cells by column of the file. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface Replacement {
  readonly column: string;
  readonly find: string;
  readonly replace: string;
  readonly isWholeCell: boolean;
  readonly ignoresCase: boolean;
}

export type Replaced = AnswerOf<OperationOf<"post", "/api/v1/batches/{batch_id}/rows/edit">>;
