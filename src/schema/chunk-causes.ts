/** The causes of the failed rows of chunks and batches. */
import { integer, json, primaryKey, smallint, uuid } from "drizzle-orm/pg-core";
import { moment, rowmill } from "./columns.ts";

/**
 * The causes of the failed rows of chunks, so that reading them does not read the rows (batches/chunk-causes.ts). An entry counts
 * only if the chunk is still as it was when the entry was written. A chunk may have none. The entry with first row 0 belongs to
 * a batch that has ended: it has the run and the time of the end instead of the attempt and the time of the last change.
 */
export const chunkCauses = rowmill.table(
  "chunk_causes",
  {
    batchId: uuid("batch_id").notNull(),
    firstRow: integer("first_row").notNull(),
    /** These columns of the chunk as they were. */
    lastRow: integer("last_row").notNull(),
    attempt: smallint("attempt").notNull(),
    failed: integer("failed").notNull(),
    chunkUpdatedAt: moment("chunk_updated_at").notNull(),
    /** In the order of the first rows. */
    causes: json("causes").$type<StoredCause[]>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.batchId, t.firstRow] })],
);

/** The failed rows of a chunk that break one rule in one column, and the first of these rows. */
export type StoredCause = {
  readonly code: string;
  readonly column: string | null;
  readonly count: number;
  readonly rows: readonly number[];
};
