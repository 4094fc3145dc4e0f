/** Appends outcomes to `row_results`, in one statement per kind: most chunks have only one kind. */
import { type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { RowEffect, RowError } from "../../schema/batches.ts";
import type { CreatedRecords } from "../../targets/new-records.ts";
import type { DisplacedRow, Outcome } from "../../targets/target.ts";

export interface RowOutcome {
  readonly row: number;
  readonly outcome: Outcome;
}

export interface SucceededRow {
  readonly row: number;
  readonly recordId: number | null;
  readonly recordKey?: string;
  readonly recordVersion?: string;
  readonly effect: RowEffect;
  readonly before?: object;
  readonly displaces?: DisplacedRow;
}

export interface FailedRow {
  readonly row: number;
  readonly errors: readonly RowError[];
}

interface RetriedRow {
  readonly row: number;
  readonly reason: RowError;
  /** The shortest time to wait. */
  readonly afterSeconds: number;
}

/**
 * Groups outcomes by the way in which they are stored. Rows that wait have no result; see row-waits.ts.
 * @param attempts the number of attempts, including this one
 * @param mayRetry false: outcomes of the kind `retry` are failures
 */
export function sortOutcomes(outcomes: readonly RowOutcome[], attempts: number, mayRetry: boolean) {
  const succeeded: SucceededRow[] = [];
  const failures: FailedRow[] = [];
  const retried: RetriedRow[] = [];
  for (const { row, outcome } of outcomes) {
    if (outcome.kind === "success") succeeded.push({ row, ...outcome });
    else if (outcome.kind === "failed") failures.push({ row, errors: outcome.errors });
    else if (outcome.kind === "wait") continue;
    else if (mayRetry) retried.push({ row, reason: outcome.reason, afterSeconds: outcome.afterSeconds ?? 0 });
    else failures.push({ row, errors: [gaveUp(outcome.reason, attempts)] });
  }
  return { succeeded, failures, retried };
}

function gaveUp(reason: RowError, attempts: number): RowError {
  return { ...reason, message: `Gave up after ${attempts} attempts: ${reason.message}` };
}

/** The attempt at a chunk that led to the outcomes. */
export interface ChunkAttempt {
  readonly batchId: string;
  readonly attempt: number;
}

const EFFECTS = ["created", "updated", "unchanged"] as const satisfies readonly RowEffect[];

export type EffectCounts = Readonly<Record<RowEffect, number>>;

export const NO_EFFECTS: EffectCounts = { created: 0, updated: 0, unchanged: 0 };

export function addEffects(some: EffectCounts, more: EffectCounts): EffectCounts {
  return {
    created: some.created + more.created,
    updated: some.updated + more.updated,
    unchanged: some.unchanged + more.unchanged,
  };
}

/** A column that only some outcomes have. */
interface TextColumn {
  readonly name: SQL;
  readonly array: SQL;
  readonly cast: SQL;
}

function textColumn(
  name: string,
  type: string,
  rows: readonly SucceededRow[],
  textOf: (row: SucceededRow) => string | null,
): TextColumn {
  const column = sql.identifier(name);
  return {
    name: sql`${column}`,
    array: sql`${sql.param(rows.map(textOf))}::text[]`,
    cast: sql`${column}::${sql.raw(type)}`,
  };
}

/** @returns the number of rows per effect */
export async function storeSuccesses(
  tx: Tx,
  { batchId, attempt }: ChunkAttempt,
  rows: readonly SucceededRow[],
): Promise<EffectCounts> {
  const counts = { ...NO_EFFECTS };
  for (const effect of EFFECTS) {
    const rowsWithEffect = rows.filter((row) => row.effect === effect);
    counts[effect] = rowsWithEffect.length;
    if (rowsWithEffect.length === 0) continue;
    const numbers = sql.param(rowsWithEffect.map(({ row }) => row));
    const recordIds = sql.param(rowsWithEffect.map(({ recordId }) => recordId));
    // The planner must not read arrays that few targets fill.
    const optional = [
      effect === "updated" &&
        textColumn("before", "json", rowsWithEffect, ({ before }) => JSON.stringify(before ?? null)),
      rowsWithEffect.some(({ recordKey }) => recordKey !== undefined) &&
        textColumn("record_key", "text", rowsWithEffect, ({ recordKey }) => recordKey ?? null),
      rowsWithEffect.some(({ recordVersion }) => recordVersion !== undefined) &&
        textColumn("record_version", "bigint", rowsWithEffect, ({ recordVersion }) => recordVersion ?? null),
    ].filter((column) => column !== false);
    const list = (part: keyof TextColumn) => sql.join(optional.map((column) => sql`, ${column[part]}`));
    await tx.db.execute(sql`
      INSERT INTO rowmill.row_results
        (batch_id, row_number, status, attempts, record_id, effect, completed_at${list("name")})
      SELECT ${batchId}, row_number, 'success', ${attempt}, record_id, ${effect}, statement_timestamp()${list("cast")}
      FROM unnest(${numbers}::int[], ${recordIds}::bigint[]${list("array")})
        AS done (row_number, record_id${list("name")})`);
  }
  return counts;
}

/** Keys and versions are texts of the database. They go back as they are. */
export async function storeCreated(
  tx: Tx,
  { batchId, attempt }: ChunkAttempt,
  { rows, identities }: CreatedRecords,
): Promise<void> {
  const lines = (text: string) => sql`string_to_array(${text}::text, E'\\n')`;
  const [names, arrays, values] = identities
    ? [
        sql`, record_key, record_version`,
        sql`, ${lines(identities.keys)}, ${lines(identities.versions)}`,
        sql`, record_key, record_version::bigint`,
      ]
    : [sql``, sql``, sql``];
  await tx.db.execute(sql`
    INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, effect, completed_at${names})
    SELECT ${batchId}, row_number, 'success', ${attempt}, 'created', statement_timestamp()${values}
    FROM unnest(${`{${rows.join()}}`}::int[]${arrays}) AS created (row_number${names}) ORDER BY row_number`);
}

/** Appends the results of rows that have failed for good. */
export async function storeFailures(
  tx: Tx,
  { batchId, attempt }: ChunkAttempt,
  rows: readonly FailedRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const numbers = sql.param(rows.map(({ row }) => row));
  const codes = sql.param(rows.map(({ errors }) => errors[0]?.code ?? "unknown"));
  const messages = sql.param(rows.map(({ errors }) => errors.map(({ message }) => message).join("; ")));
  const details = sql.param(rows.map(({ errors }) => JSON.stringify(errors)));
  await tx.db.execute(sql`
    INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, error_code, error_message, errors, completed_at)
    SELECT ${batchId}, row_number, 'failed', ${attempt}, code, message, details::json, statement_timestamp()
    FROM unnest(${numbers}::int[], ${codes}::text[], ${messages}::text[], ${details}::text[])
      AS failed (row_number, code, message, details)`);
}
