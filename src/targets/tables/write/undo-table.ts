/**
 * Undoes rows: deletes the records that they created, and restores those that they updated. A record counts as changed later
 * if any column that the target names has another value than after the write; other columns do not count.
 */
import type { Tx } from "../../../context.ts";
import { underSavepoint } from "../../../platform/postgres/database.ts";
import type { UndoOutcome, WrittenRow } from "../../target.ts";
import { withTargetRole } from "../access/with-role.ts";
import { deleteRecords, restoreRecords, type VersionedRecord } from "./reverse-records.ts";
import { rowFailureOf, runStatement } from "./row-statements.ts";
import { refused, type TableWriter } from "./table-outcomes.ts";
import { hasIdentity, type TablePlan } from "./table-plan.ts";
import { identityCells } from "./update-records.ts";

interface Reversal extends VersionedRecord {
  readonly row: WrittenRow;
  readonly image: Readonly<Record<string, unknown>>;
}

export async function undoTable(
  tx: Tx,
  writer: TableWriter,
  rows: readonly WrittenRow[],
): Promise<UndoOutcome[]> {
  const reversals = rows
    .flatMap((row): Reversal[] => {
      if (row.recordKey === null) return [];
      const image = (row.before ?? {}) as Record<string, unknown>;
      return [{ row, recordKey: row.recordKey, version: row.recordVersion, image }];
    })
    // In the order in which `insertRecords` and the others lock records.
    .toSorted((a, b) => (a.recordKey < b.recordKey ? -1 : 1));
  const outcomes = new Map<WrittenRow, UndoOutcome>();
  await withTargetRole(tx, writer.plan.schema, async () => {
    const reasons = await reasonsToKeep(tx, writer, reversals);
    reversals.forEach(({ row }, index) => {
      const reason = reasons[index];
      if (reason) outcomes.set(row, { kind: "kept", reason });
    });
    const open = reversals.filter(({ row }) => !outcomes.has(row));
    await reverse(
      tx,
      writer,
      open.filter(({ row }) => row.effect === "created"),
      deleteRecords,
      outcomes,
    );
    await reverse(
      tx,
      writer,
      open.filter(({ row }) => row.effect === "updated"),
      restoreRecords,
      outcomes,
    );
  });
  return rows.map((row) => outcomes.get(row) ?? NO_KEY);
}

const NO_KEY: UndoOutcome = {
  kind: "kept",
  reason: "The record has no key by which it could be found again.",
};

/**
 * Locks the records, if the role may update them; a role that may not only deletes records, and those that changed since
 * stay. @returns null for those that are as the row left them
 */
async function reasonsToKeep(
  tx: Tx,
  { plan, facts }: TableWriter,
  reversals: readonly Reversal[],
): Promise<(string | null)[]> {
  const lock = facts.columns.some(({ canUpdate }) => canUpdate) ? "FOR UPDATE" : "";
  const found = await runStatement<{ r: number; version: string }>(
    tx,
    {
      head: "SELECT cells.r, found.version FROM",
      tail: `CROSS JOIN LATERAL (
        SELECT ${plan.version} AS version FROM ${plan.table} AS t
        WHERE ${hasIdentity(plan, (index) => `cells.v${index}`)} LIMIT 1 ${lock}
      ) AS found`,
      returning: "",
    },
    identityCells(plan, reversals),
    reversals.length,
  );
  const versions = new Map(found.map(({ r, version }) => [r, version]));
  return reversals.map(({ version }, index) => {
    const current = versions.get(index);
    if (current === undefined) return "The record was deleted later.";
    return current === version ? null : "The record was changed later.";
  });
}

type Reverse = (tx: Tx, plan: TablePlan, records: readonly Reversal[]) => Promise<ReadonlySet<number>>;

/** Records that other records refer to fail. Halves find them: a probe would not pay, because there are few undos. */
async function reverse(
  tx: Tx,
  writer: TableWriter,
  reversals: readonly Reversal[],
  work: Reverse,
  outcomes: Map<WrittenRow, UndoOutcome>,
): Promise<void> {
  if (reversals.length === 0) return;
  try {
    const done = await underSavepoint(tx, () => work(tx, writer.plan, reversals));
    reversals.forEach(({ row }, index) => {
      outcomes.set(row, done.has(index) ? { kind: "reversed" } : SKIPPED);
    });
  } catch (error) {
    const failure = rowFailureOf(error);
    if (!failure) throw error;
    const [first] = reversals;
    if (first && reversals.length === 1) {
      const outcome = refused(writer, failure, {});
      const reason = outcome.kind === "failed" ? outcome.errors.map(({ message }) => message).join("; ") : "";
      outcomes.set(first.row, { kind: "failed", reason });
      return;
    }
    const middle = reversals.length >> 1;
    await reverse(tx, writer, reversals.slice(0, middle), work, outcomes);
    await reverse(tx, writer, reversals.slice(middle), work, outcomes);
  }
}

const SKIPPED: UndoOutcome = { kind: "failed", reason: "A trigger of the table kept the record." };
