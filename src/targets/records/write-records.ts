import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { idsFor } from "../allocate-ids.ts";
import { created } from "../outcomes.ts";
import { returnSingle } from "../return-single.ts";
import type { Outcome, TargetBatch, UndoOutcome, WrittenRow } from "../target.ts";

/** A row as JSON. */
export interface RecordRow {
  readonly row: number;
  /** Reserved for the record. */
  readonly id?: number | undefined;
  readonly data: string;
}

/** Creates one record per row. */
export async function insertRecords(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly RecordRow[],
): Promise<Outcome[]> {
  const ids = await idsFor(tx, "records", rows);
  await tx.db.execute(sql`
    INSERT INTO rowmill.records (id, user_id, batch_id, row_number, data)
    SELECT id, ${batch.userId}, ${batch.id}, row_number, data::json
    FROM unnest(${sql.param(ids)}::bigint[], ${sql.param(rows.map(({ row }) => row))}::int[],
      ${sql.param(rows.map(({ data }) => data))}::text[]) AS cells (id, row_number, data)${returnSingle(rows)}`);
  return ids.map(created);
}

/** Removes the records that these rows created, except those that another batch has changed since. */
export async function undoRecords(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly WrittenRow[],
): Promise<UndoOutcome[]> {
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  // No index serves IS NOT DISTINCT FROM: with old statistics the planner would read the whole batch for `=`. It takes an array of
  // unknown length for ten rows, and looks up each record (targets/books/book-rows.ts).
  const { rows: removed } = await tx.db.execute<{ id: string }>(sql`
    DELETE FROM rowmill.records USING unnest((SELECT ${ids}::bigint[])) AS written (id)
    WHERE user_id = ${batch.userId} AND records.id = written.id AND batch_id IS NOT DISTINCT FROM ${batch.id}
    RETURNING records.id`);
  const removedIds = new Set(removed.map(({ id }) => Number(id)));
  return rows.map(({ recordId }) =>
    removedIds.has(recordId)
      ? { kind: "reversed" }
      : { kind: "kept", reason: "The record was deleted later." },
  );
}
