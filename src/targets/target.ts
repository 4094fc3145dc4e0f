/** What a row can become. A target is one file that states its columns and writes a slice of valid rows. */
import type { Static, TObject, TString } from "typebox";
import type { Context } from "../context.ts";

/** Column name to the rules for its cells, which are text. */
export type Columns = TObject<Record<string, TString>>;

export interface Target<C extends Columns = Columns> {
  readonly name: string;
  readonly description: string;
  /** A column with a default is optional; in a file without it every row gets the default. */
  readonly columns: C;
  /** Other header names that mean a column. */
  readonly aliases: Readonly<Partial<Record<keyof Static<C> & string, readonly string[]>>>;
  /**
   * Writes all rows in the open transaction and returns the ids of the records made, in the rows' order. Throws
   * where it can't write them all: the runner undoes the slice and tries its halves, down to the row concerned.
   */
  write(tx: Context, batch: TargetBatch, rows: readonly Static<C>[]): Promise<number[]>;
}

export interface TargetBatch {
  readonly id: string;
  readonly userId: number;
}
