/** The part of a target that writes rows in the database. */
import type { SQL } from "drizzle-orm";
import type { BatchMode } from "../schema/batches.ts";

/** Creates records in the database, so that no cell travels to the worker and back. A target without it writes every row itself. */
export interface PlainInserts<Batch> {
  /** The table in the schema `rowmill` that has the records, whose ids Rowmill reserves. */
  readonly table: string;
  /**
   * Rowmill executes the statements in their order until one does not fail, and gives all other rows to `write` afterwards.
   */
  inserts(batch: Batch, rows: OpenRows): readonly PlainInsert[];
  /** Whether plain rows are written wherever they are in a chunk; false: only those before or after all others. */
  writesAnywhere(mode: BatchMode): boolean;
}

export interface PlainInsert {
  /**
   * INSERTs records, and returns `row_number` and `record_id`. It reads `batch_rows` and writes only rows that the check accepts
   * and from which `write` would create the same records (plain-rows.ts).
   */
  readonly statement: SQL;
  /**
   * Whether it locks keys in an order that other transactions do not follow. Two of them could wait for each other, so Rowmill
   * gives it up when it has to wait for a lock, and executes the next one.
   */
  readonly isUnordered: boolean;
}

/** The rows of a chunk that have no result yet, in the table `batch_rows`. */
export interface OpenRows {
  /** The condition that selects them. */
  readonly isOpen: SQL;
  /** The id of the record, as an expression with `row_number`. */
  readonly id: SQL;
}
