import type { Values } from "../../target.ts";
import type { TableFacts } from "../read/table-facts.ts";

export interface FailedWrite {
  readonly facts: TableFacts;
  /** Columns of the table to the `name` of the column of the target. */
  readonly names: ReadonlyMap<string, string>;
  /** The values of the only row; absent: the statement wrote several rows, which are tried again in halves. */
  readonly values?: Values;
}
