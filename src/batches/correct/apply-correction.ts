/** Applies an uploaded correction, which is stored as a batch of its own, in one transaction. */
import { and, eq, sql } from "drizzle-orm";
import { requireActor, type Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { batches } from "../../schema/batches.ts";
import { retryRowsIn } from "../control/retry-rows.ts";
import { matchRows } from "../match-rows.ts";
import { partsOf, SLICE_BYTES } from "../process/read/read-open-rows.ts";
import { getBatch, type StoredBatch } from "../queries.ts";
import { uploadRemoved } from "../receive/store-rows.ts";
import { forgetSizes } from "../settle/chunk-counts.ts";
import { requireEdge, transitions } from "../state.ts";
import { type Batch, lockBatch } from "../transitions.ts";

export interface CorrectionResult {
  /** The number of rows whose cells changed. */
  readonly corrected: number;
  /** The number of rows that had already succeeded and stay unchanged. */
  readonly ignored: number;
  /** The number of rows that are processed again. */
  readonly retried: number;
  readonly batch: StoredBatch;
}

/**
 * Call this within `retryWhileLocked`.
 * @param stagingId the batch that has the corrections, numbered like the rows that they correct
 * @throws DomainError `invalid_input` or `conflict`
 */
export async function applyCorrection(
  tx: Tx,
  { userId, batchId, unprocessed }: { userId: number; batchId: string; unprocessed: boolean },
  stagingId: string,
): Promise<CorrectionResult> {
  const batch = await lockCorrectable(tx, userId, batchId);
  await requireKnownRows(tx, batch, stagingId);
  const { corrected, ignored, failedRows } = await applyPages(tx, batch, stagingId);
  await requireStaged(tx, stagingId);
  const retried = await retryRowsIn(tx, batch, { rows: failedRows, unprocessed });
  return { corrected, ignored, retried, batch: await getBatch(tx, userId, batchId) };
}

/** @throws DomainError `not_found`, or `conflict` if the state of the batch does not allow corrections */
export async function lockCorrectable(tx: Tx, userId: number, batchId: string): Promise<Batch> {
  const batch = await lockBatch(tx, userId, batchId);
  requireEdge("retry", batch.state, "corrected");
  return batch;
}

/**
 * Call this after the correction was read: the reconciler may have removed rows meanwhile, because the process was suspended.
 * @throws DomainError `conflict`
 */
async function requireStaged(tx: Tx, stagingId: string): Promise<void> {
  const isStaged = and(eq(batches.id, stagingId), eq(batches.state, transitions.accept.from[0]));
  if ((await tx.db.$count(batches, isStaged)) === 0) throw uploadRemoved();
}

async function requireKnownRows(tx: Tx, batch: Batch, stagingId: string): Promise<void> {
  const { rows } = await tx.db.execute<{ row: number }>(sql`
    WITH staged AS MATERIALIZED (SELECT row_number FROM rowmill.batch_rows WHERE batch_id = ${stagingId})
    SELECT row_number AS row FROM staged WHERE (
      SELECT true FROM rowmill.batch_rows WHERE batch_id = ${batch.id} AND batch_rows.row_number = staged.row_number LIMIT 1
    ) IS NULL ORDER BY 1 LIMIT 1`);
  if (rows[0]) throw invalidField("file", `The batch has no row ${rows[0].row} (column \`_row\`).`);
}

/** The number of rows whose sizes are read at a time. */
const PAGE_ROWS = 2000;

/**
 * MATERIALIZED, because the correction and its batch may be on different nodes of a distributed database. LIMIT makes these look-ups per row. A join may compare
 * each row with each other one if the statistics are old.
 */
async function applyPages(tx: Tx, batch: Batch, stagingId: string) {
  const counts = { corrected: 0, ignored: 0 };
  const failedRows: number[] = [];
  for (let after = 0; ; ) {
    const { rows: sizes } = await tx.db.execute<{ row: number; bytes: number }>(sql`
      WITH staged AS MATERIALIZED (
        SELECT row_number, octet_length(fields::text) AS bytes FROM rowmill.batch_rows
        WHERE batch_id = ${stagingId} AND row_number > ${after} ORDER BY row_number LIMIT ${PAGE_ROWS}
      )
      SELECT staged.row_number AS row, staged.bytes + octet_length(rows.fields::text) AS bytes
      FROM staged
      CROSS JOIN LATERAL (
        SELECT fields FROM rowmill.batch_rows WHERE batch_id = ${batch.id} AND row_number = staged.row_number LIMIT 1
      ) AS rows
      ORDER BY staged.row_number`);
    const last = sizes.at(-1);
    if (!last) return { ...counts, failedRows };
    after = last.row;
    for (const part of partsOf(sizes, SLICE_BYTES)) {
      const { corrected, ignored, failed } = await applyPart(tx, batch, stagingId, part);
      counts.corrected += corrected;
      counts.ignored += ignored;
      failedRows.push(...failed);
    }
  }
}

async function applyPart(
  tx: Tx,
  batch: Batch,
  stagingId: string,
  { firstRow, lastRow }: { firstRow: number; lastRow: number },
) {
  const { rows } = await tx.db.execute<{
    row: number;
    corrections: (string | null)[];
    fields: string[];
    problem: string | null;
    status: "success" | "failed" | null;
  }>(sql`
    WITH staged AS MATERIALIZED (
      SELECT row_number, fields FROM rowmill.batch_rows
      WHERE batch_id = ${stagingId} AND row_number BETWEEN ${firstRow} AND ${lastRow}
    )
    SELECT staged.row_number AS row, staged.fields AS corrections, rows.fields, rows.problem, results.status
    FROM staged
    CROSS JOIN LATERAL (
      SELECT fields, problem FROM rowmill.batch_rows WHERE batch_id = ${batch.id} AND row_number = staged.row_number LIMIT 1
    ) AS rows
    LEFT JOIN LATERAL (
      SELECT status FROM rowmill.row_results WHERE batch_id = ${batch.id} AND row_number = staged.row_number LIMIT 1
    ) AS results ON true
    ORDER BY staged.row_number`);
  const open = rows.filter(({ status }) => status !== "success");
  const changed = open
    .map((row) => ({ ...row, cells: row.corrections.map((cell, at) => cell ?? row.fields[at] ?? "") }))
    .filter(
      ({ cells, fields, problem }) => problem !== null || JSON.stringify(cells) !== JSON.stringify(fields),
    );
  if (changed.length > 0) await changeCells(tx, batch.id, changed);
  return {
    corrected: changed.length,
    ignored: rows.length - open.length,
    failed: open.flatMap(({ row, status }) => (status === "failed" ? [row] : [])),
  };
}

/** Stores new cells of rows, and the old ones in their history. */
export async function changeCells(
  tx: Tx,
  batchId: string,
  rows: readonly { row: number; cells: readonly string[]; fields: readonly string[] }[],
): Promise<void> {
  const numbers = sql.param(rows.map(({ row }) => row));
  const { isMatch, valueOfRow } = matchRows(batchId, rows);
  const before = sql.param(rows.map(({ fields }) => JSON.stringify(fields)));
  await tx.db.execute(sql`
    INSERT INTO rowmill.row_history (batch_id, row_number, event, user_id, fields)
    SELECT ${batchId}, row, 'edited', ${requireActor(tx).id}, fields::json
    FROM unnest(${numbers}::int[], ${before}::text[]) AS edited (row, fields)`);
  await tx.db.execute(sql`
    UPDATE rowmill.batch_rows SET fields = ${valueOfRow(({ cells }) => JSON.stringify(cells))}::json, problem = NULL
    WHERE ${isMatch}`);
  await forgetSizes(
    tx,
    batchId,
    rows.map(({ row }) => row),
  );
}
