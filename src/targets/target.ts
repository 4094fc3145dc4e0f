/** What a row can become. A target is one file that states its columns and what happens to a valid row. */
import type { Static, TObject, TString } from "typebox";
import type { Context, Tx } from "../context.ts";
import type { BatchMode, RowEffect, RowError } from "../schema/batches.ts";

/** Column name to the rules for its cells, which are text. */
export type Columns = TObject<Record<string, TString>>;

/** What came of a row. An outcome is a value: what is thrown says nothing of a single row. */
export type Outcome =
  | {
      readonly kind: "success";
      readonly recordId: number;
      readonly effect: RowEffect;
      /** The record before it was updated: what `undo` puts back. */
      readonly before?: object;
    }
  | { readonly kind: "failed"; readonly errors: readonly RowError[] }
  | { readonly kind: "retry"; readonly reason: RowError; readonly afterSeconds?: number };

export interface TargetBatch {
  readonly id: string;
  readonly userId: number;
  readonly mode: BatchMode;
  /** The file's columns. */
  readonly header: readonly string[];
  /** The target's columns that the file has, to their positions in `header`; the others get their default. */
  readonly mapping: Readonly<Record<string, number>>;
}

export interface TargetRow<C extends Columns> {
  /** As a spreadsheet shows it. */
  readonly row: number;
  readonly values: Static<C>;
  /** The cells as they are in the file, in the order of `batch.header`. */
  readonly fields: readonly string[];
}

/** A row whose record is to be put back as it was before. */
export interface WrittenRow {
  readonly row: number;
  readonly recordId: number;
  readonly effect: "created" | "updated";
  readonly before: object | null;
}

/** `kept`: the record was changed since, and stays as it is. */
export type UndoOutcome =
  | { readonly kind: "reversed" }
  | { readonly kind: "kept" | "failed"; readonly reason: string };

interface Described<C extends Columns> {
  readonly name: string;
  readonly description: string;
  /** A column with a default is optional; in a file without it every row gets the default. */
  readonly columns: C;
  /** Other header names that mean a column. */
  readonly aliases: Readonly<Partial<Record<keyof Static<C> & string, readonly string[]>>>;
  /**
   * Takes a file of any header: `columns` is empty, `batch.mapping` has the names under which the file's columns are
   * kept, and all that a row has is in its `fields`.
   */
  readonly isOpen?: boolean;
  /** A row with more fields than the header has fails, instead of keeping them as `_extra`. */
  readonly isStrict?: boolean;
  /** Columns that no answer and no file shows. Their cells are blanked once their row has succeeded. */
  readonly secrets?: readonly (keyof Static<C> & string)[];
  /** The columns that tell records of one owner apart, without regard to case. */
  readonly key?: readonly (keyof Static<C> & string)[];
  /** What an upload may choose; `write` sees it in `batch.mode`. Absent: `insert` alone. */
  readonly modes?: readonly BatchMode[];
  /** For targets that take long over a row: a chunk is done again where its worker dies, and holds others up till its end. */
  readonly maxChunkRows?: number;
  /** Who may upload for it; absent: everybody who is logged in. */
  readonly role?: "admin";
  /**
   * Puts records back as they were before the rows wrote them, where nobody changed them since; an outcome for each,
   * in their order. No record is named twice. Without it a batch of this target can't be undone.
   */
  undo?(tx: Tx, batch: TargetBatch, rows: readonly WrittenRow[]): Promise<UndoOutcome[]>;
}

/** Writes a slice of rows together, in the transaction that their results and their job's completion commit with. */
export interface SetTarget<C extends Columns = Columns> extends Described<C> {
  /**
   * An outcome for each row, in their order. Throws where it can't write them all: the runner undoes the slice and
   * tries its halves, down to the row concerned.
   */
  write(tx: Tx, batch: TargetBatch, rows: readonly TargetRow<C>[]): Promise<Outcome[]>;
}

/** What a row-wise target is told beside the row. */
export interface Attempt {
  /** The same each time that the row is tried: send it on as an idempotency key. */
  readonly rowId: string;
  /** 1 at first. */
  readonly attempt: number;
  /** Aborts when the batch is paused or cancelled, or the worker has to end. */
  readonly signal: AbortSignal;
}

/** Calls something outside this database for each row, some rows side by side. A row may be tried again after a crash. */
export interface RowTarget<C extends Columns = Columns> extends Described<C> {
  /** How many rows of a chunk are handled at a time. */
  readonly concurrency: number;
  /** @throws Retryable to be tried again, Permanent where that is of no use */
  handle(ctx: Context, batch: TargetBatch, row: TargetRow<C>, attempt: Attempt): Promise<number>;
}

export type Target<C extends Columns = Columns> = SetTarget<C> | RowTarget<C>;
