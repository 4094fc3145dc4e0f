import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import type { UndoOutcome } from "../../targets/target.ts";
import { matchRows } from "../match-rows.ts";

/** Marks the results of rows with the outcomes of their undo. */
export async function markUndone(
  tx: Tx,
  batchId: string,
  undone: readonly { readonly row: number; readonly outcome: UndoOutcome | undefined }[],
): Promise<void> {
  if (undone.length === 0) return;
  const { isMatch, valueOfRow } = matchRows(batchId, undone);
  if (undone.every(({ outcome }) => outcome?.kind === "reversed")) {
    await tx.db.execute(
      sql`UPDATE rowmill.row_results SET undo = 'reversed', undo_reason = NULL WHERE ${isMatch}`,
    );
    return;
  }
  const kind = valueOfRow(({ outcome }) => outcome?.kind ?? null, "rowmill.undo_outcome");
  const reason = valueOfRow(({ outcome }) => (outcome && "reason" in outcome ? outcome.reason : null));
  await tx.db.execute(sql`
    UPDATE rowmill.row_results SET undo = ${kind}, undo_reason = ${reason} WHERE ${isMatch}`);
}
