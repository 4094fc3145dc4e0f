/** The part of a target that writes rows in the database. */
import type { SQL } from "drizzle-orm";

/** Creates records in the database, so that no cell travels to the worker and back. A target without it writes every row itself. */
export interface PlainInserts<Batch> {
  /** The table in the schema `rowmill` that has the records, whose ids Rowmill reserves. */
  readonly table: string;
  /**
   * Returns statements that each INSERT records and return `row_number` and `record_id`. They read `batch_rows` and write only
   * rows that the check accepts and from which `write` would create the same records (plain-rows.ts). Rowmill executes them in
   * their order until one does not fail, and gives all other rows to `write` afterwards.
   */
  inserts(batch: Batch, rows: OpenRows): readonly SQL[];
}

/** The rows of a chunk that have no result yet, in the table `batch_rows`. */
export interface OpenRows {
  /** The condition that selects them. */
  readonly isOpen: SQL;
  /** The id of the record, as an expression with `row_number`. */
  readonly id: SQL;
}
