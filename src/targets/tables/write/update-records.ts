/** Updates records that the caller has locked. Each record is named once. */
import type pg from "pg";
import type { Tx } from "../../../context.ts";
import { underSavepoint } from "../../../platform/postgres/database.ts";
import type { WrittenRecord } from "./insert-records.ts";
import { type Cells, probeRows, type RowStatement, rowFailureOf, runStatement } from "./row-statements.ts";
import { requireWritable, type TableWriter } from "./table-outcomes.ts";
import { differs, hasIdentity, type PlanColumn, type TablePlan } from "./table-plan.ts";
import { type TableRow, textsOf } from "./table-rows.ts";

export interface Update {
  readonly row: TableRow;
  readonly recordKey: string;
}

export type UpdateResult =
  | ({ readonly kind: "updated" } & WrittenRecord)
  | { readonly kind: "unchanged" }
  | { readonly kind: "skipped" }
  | { readonly kind: "failed"; readonly failure: pg.DatabaseError };

/** @returns one result per update, in their order. @throws as `insertRecords` */
export async function updateRecords(
  tx: Tx,
  writer: TableWriter,
  updates: readonly Update[],
): Promise<ReadonlyMap<Update, UpdateResult>> {
  const { plan } = writer;
  const results = new Map<Update, UpdateResult>();
  let open = updates;
  let hasProbed = false;
  while (open.length > 0) {
    const parts = updateParts(plan, open);
    if (!parts) {
      for (const update of open) results.set(update, { kind: "unchanged" });
      return results;
    }
    try {
      await underSavepoint(tx, () => updateSet(tx, plan, open, parts, results));
      return results;
    } catch (error) {
      const failure = rowFailureOf(error);
      if (!failure) throw error;
      requireWritable(writer, failure);
      if (open.length === 1 && open[0]) {
        results.set(open[0], { kind: "failed", failure });
        return results;
      }
      if (hasProbed) throw error;
      hasProbed = true;
      const failures = await probeRows(tx, parts.statement, parts.cells, open.length);
      if (!failures || failures.size === 0) throw error;
      for (const [position, failed] of failures) {
        const update = open[position];
        if (update) results.set(update, { kind: "failed", failure: failed });
      }
      open = open.filter((_, position) => !failures.has(position));
    }
  }
  return results;
}

interface UpdateParts {
  readonly statement: RowStatement;
  /** Reads the rows that the statement would still change. */
  readonly unwritten: RowStatement;
  readonly cells: Cells;
}

async function updateSet(
  tx: Tx,
  plan: TablePlan,
  updates: readonly Update[],
  { statement, unwritten, cells }: UpdateParts,
  results: Map<Update, UpdateResult>,
): Promise<void> {
  type Updated = { r: number; version: string };
  const updated = await runStatement<Updated>(tx, statement, cells, updates.length);
  const versions = new Map(updated.map(({ r, version }) => [r, version]));
  let skipped = new Set<number>();
  if (versions.size < updates.length && (plan.skips.update || !plan.onlyIfChanged)) {
    const left = await runStatement<{ r: number }>(tx, unwritten, cells, updates.length);
    skipped = new Set(left.map(({ r }) => r).filter((r) => !versions.has(r)));
  }
  updates.forEach((update, r) => {
    const version = versions.get(r);
    if (version !== undefined) results.set(update, { kind: "updated", recordKey: update.recordKey, version });
    else results.set(update, { kind: skipped.has(r) ? "skipped" : "unchanged" });
  });
}

/**
 * The columns of which some rows have no value keep the value of the record in those rows, so one statement is enough.
 * Null: there is no column to write.
 */
function updateParts(plan: TablePlan, updates: readonly Update[]): UpdateParts | null {
  const rows = updates.map(({ row }) => row);
  const columns = plan.restored.filter(({ name }) => rows.some(({ values }) => values[name] !== undefined));
  if (columns.length === 0) return null;
  const cells: (readonly (string | null)[])[] = identityCells(plan, updates);
  const assignments = columns.map((column) => {
    const value = `cells.v${cells.push(textsOf(rows, column)) - 1}::${column.type}`;
    if (rows.every(({ values }) => values[column.name] !== undefined)) return { column, value };
    const isGiven = cells.push(rows.map(({ values }) => String(values[column.name] !== undefined))) - 1;
    return { column, value: `CASE WHEN cells.v${isGiven}::bool THEN ${value} ELSE t.${column.quoted} END` };
  });
  const isRecord = hasIdentity(plan, (index) => `cells.v${index}`);
  const isChanged = assignments.map(({ column, value }) => differs(column, value)).join(" OR ");
  return {
    statement: {
      head: `UPDATE ${plan.table} AS t SET ${assignments.map(assign).join(", ")} FROM`,
      tail: `WHERE ${isRecord}${plan.onlyIfChanged ? ` AND (${isChanged})` : ""}`,
      returning: `RETURNING cells.r, ${plan.version} AS version`,
    },
    unwritten: {
      head: `SELECT cells.r FROM ${plan.table} AS t,`,
      tail: `WHERE ${isRecord}${plan.onlyIfChanged ? ` AND (${isChanged})` : ""}`,
      returning: "",
    },
    cells,
  };
}

const assign = ({ column, value }: { column: PlanColumn; value: string }) => `${column.quoted} = ${value}`;

/** The identities of the records as they are stored, because a key of the file may be written in another way. */
export function identityCells(
  { identity }: TablePlan,
  records: readonly { readonly recordKey: string }[],
): (string | null)[][] {
  const keys = records.map(({ recordKey }) => JSON.parse(recordKey) as Record<string, string | null>);
  return identity.map(({ to }) => keys.map((key) => key[to] ?? null));
}
