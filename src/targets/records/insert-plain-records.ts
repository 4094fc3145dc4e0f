/** The statement that creates records from rows as they are, in the database. */
import { sql } from "drizzle-orm";
import type { OpenRows, PlainInsert } from "../plain-inserts.ts";
import { cleanRows } from "../plain-rows.ts";
import type { TargetBatch } from "../target.ts";

/** PostgreSQL concatenates the members of a row one by one. */
const MAX_COLUMNS = 200;

/**
 * The cells of a row are JSON already, so they are stored as they are.
 * @param labels the beginning of each member of the object, such as `"title":`, and the position of its cell
 */
export function insertPlainRecords(
  batch: TargetBatch,
  labels: readonly { readonly label: string; readonly position: number }[],
  { isOpen, id }: OpenRows,
): PlainInsert[] {
  if (labels.length > MAX_COLUMNS) return [];
  const members = labels.map(
    ({ label, position }) => sql`${label}::text || coalesce(cells[${position + 1}::int], '""')`,
  );
  const statement = sql`
    INSERT INTO rowmill.records (id, user_id, batch_id, row_number, data)
    SELECT ${id}, ${batch.userId}, ${batch.id}, row_number, ('{' || ${sql.join(members, sql` || ',' || `)} || '}')::json
    FROM (
      SELECT row_number, ARRAY(SELECT cell::text FROM json_array_elements(fields) AS cell) AS cells
      FROM ${cleanRows(batch, isOpen)} WHERE is_clean OFFSET 0
    ) AS plain
    ORDER BY row_number RETURNING row_number, id AS record_id`;
  return [{ statement, isUnordered: false }];
}
