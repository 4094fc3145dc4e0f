/** Rows that wait because a service cannot take them now (MustWait). They keep their attempts, and are read when they are due. */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";
import type { Outcome } from "../../../targets/target.ts";
import type { RowOutcome } from "../../settle/store-results.ts";
import { isOpen, type RowRange } from "../read/read-open-rows.ts";

/** A chunk reads its waiting rows at most this often, however short their waits are. */
const MIN_SECONDS = 5;

type Wait = Extract<Outcome, { kind: "wait" }>;

/** Stores the waits of these rows, and removes those of rows with another outcome. */
export async function storeWaits(tx: Tx, batchId: string, outcomes: readonly RowOutcome[]): Promise<void> {
  const waits = outcomes.flatMap(({ row, outcome }) => (outcome.kind === "wait" ? [{ row, outcome }] : []));
  const over = outcomes.filter(({ outcome }) => outcome.kind !== "wait").map(({ row }) => row);
  if (over.length > 0)
    await tx.db.execute(
      sql`DELETE FROM rowmill.row_waits WHERE batch_id = ${batchId} AND row_number = ANY(${sql.param(over)}::int[])`,
    );
  if (waits.length === 0) return;
  const column = (pick: (wait: (typeof waits)[number]) => string | number) => sql.param(waits.map(pick));
  await insertWaits(
    tx,
    sql`
      SELECT ${batchId}::uuid, row_number, code, message, clock_timestamp() + make_interval(secs => seconds)
      FROM unnest(${column(({ row }) => row)}::int[], ${column(({ outcome }) => outcome.reason.code)}::text[],
        ${column(({ outcome }) => outcome.reason.message)}::text[], ${column(({ outcome }) => outcome.afterSeconds)}::float8[])
        AS waiting (row_number, code, message, seconds)`,
  );
}

/** Lets all open rows of a range wait for the same reason. */
export async function letAllWait(
  tx: Tx,
  range: Omit<RowRange, "bytes">,
  { reason, afterSeconds }: Wait,
): Promise<void> {
  await insertWaits(
    tx,
    sql`
      SELECT ${range.batchId}::uuid, row_number, ${reason.code}::text, ${reason.message}::text,
        clock_timestamp() + make_interval(secs => ${afterSeconds})
      FROM rowmill.batch_rows WHERE ${isOpen(range)}`,
  );
}

async function insertWaits(tx: Tx, rows: SQL): Promise<void> {
  await tx.db.execute(sql`
    INSERT INTO rowmill.row_waits (batch_id, row_number, code, message, until) ${rows}
    ON CONFLICT (batch_id, row_number) DO UPDATE SET code = excluded.code, message = excluded.message, until = excluded.until`);
}

/** Whether a row of `batch_rows` does not wait. */
export function isDue(batchId: string): SQL {
  return sql`NOT EXISTS (
    SELECT FROM rowmill.row_waits
    WHERE row_waits.batch_id = ${batchId} AND row_waits.row_number = batch_rows.row_number AND until > clock_timestamp()
  )`;
}

/** @returns the number of waiting rows, and the seconds until the first of them is due */
export async function waitsIn(
  { db }: Tx,
  { batchId, firstRow, lastRow }: Omit<RowRange, "bytes">,
): Promise<{ readonly rows: number; readonly seconds: number }> {
  const { rows } = await db.execute<{ rows: number; seconds: number }>(sql`
    SELECT count(*)::int AS rows,
      greatest(${MIN_SECONDS}, extract(epoch FROM min(until) - clock_timestamp()))::float8 AS seconds
    FROM rowmill.row_waits WHERE batch_id = ${batchId} AND row_number BETWEEN ${firstRow} AND ${lastRow}`);
  return rows[0] ?? { rows: 0, seconds: 0 };
}
