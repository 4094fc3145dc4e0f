/** Deletes and restores records for undo, and deletes those that earlier rows of a file take. */
import type { Tx } from "../../../context.ts";
import { type RowStatement, runStatement } from "./row-statements.ts";
import { hasIdentity, type TablePlan } from "./table-plan.ts";
import { identityCells } from "./update-records.ts";

/** A record and the hash that it must still have. */
export interface VersionedRecord {
  readonly recordKey: string;
  readonly version: string | null;
}

/** @returns the positions of the deleted records; the others were changed, or a trigger kept them */
export async function deleteRecords(
  tx: Tx,
  plan: TablePlan,
  records: readonly VersionedRecord[],
): Promise<ReadonlySet<number>> {
  return positionsOf(
    await runStatement(tx, deleteStatement(plan), versionedCells(plan, records), records.length),
  );
}

/** The cells after the identity and the version are the image. */
export async function restoreRecords(
  tx: Tx,
  plan: TablePlan,
  records: readonly (VersionedRecord & { readonly image: Readonly<Record<string, unknown>> })[],
): Promise<ReadonlySet<number>> {
  if (plan.restored.length === 0) return new Set(records.keys());
  const images = plan.restored.map(({ to }) => records.map(({ image }) => textOf(image[to])));
  const cells = [...versionedCells(plan, records), ...images];
  return positionsOf(await runStatement(tx, restoreStatement(plan), cells, records.length));
}

const textOf = (value: unknown) => (typeof value === "string" ? value : null);

const positionsOf = (rows: readonly { r?: unknown }[]) => new Set(rows.map(({ r }) => Number(r)));

function versionedCells(plan: TablePlan, records: readonly VersionedRecord[]): (string | null)[][] {
  return [...identityCells(plan, records), records.map(({ version }) => version)];
}

function isUnchanged(plan: TablePlan): string {
  const version = `cells.v${plan.identity.length}`;
  return `${hasIdentity(plan, (index) => `cells.v${index}`)} AND ${plan.version} = ${version}`;
}

function deleteStatement(plan: TablePlan): RowStatement {
  return {
    head: `DELETE FROM ${plan.table} AS t USING`,
    tail: `WHERE ${isUnchanged(plan)}`,
    returning: "RETURNING cells.r",
  };
}

function restoreStatement(plan: TablePlan): RowStatement {
  const first = plan.identity.length + 1;
  const assignments = plan.restored.map(
    ({ quoted, type }, index) => `${quoted} = cells.v${first + index}::${type}`,
  );
  return {
    head: `UPDATE ${plan.table} AS t SET ${assignments.join(", ")} FROM`,
    tail: `WHERE ${isUnchanged(plan)}`,
    returning: "RETURNING cells.r",
  };
}
