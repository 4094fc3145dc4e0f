import { sql } from "drizzle-orm";
import type { Tx } from "../../../context.ts";
import { secretPositions } from "../../../targets/secrets.ts";
import type { Target, TargetBatch } from "../../../targets/target.ts";
import { matchRows } from "../../match-rows.ts";

/** Empties the secret cells of rows that no longer need them. */
export async function blankSecrets(
  tx: Tx,
  target: Target,
  batch: TargetBatch,
  rows: readonly { readonly row: number; readonly fields: readonly string[] }[],
): Promise<void> {
  const positions = secretPositions({ target: target.name, mapping: batch.mapping });
  const withSecrets = rows.filter(({ fields }) => positions.some((position) => fields[position]));
  if (withSecrets.length === 0) return;
  const { isMatch, valueOfRow } = matchRows(batch.id, withSecrets);
  const blanked = valueOfRow(({ fields }) =>
    JSON.stringify(fields.map((cell, position) => (positions.includes(position) ? "" : cell))),
  );
  await tx.db.execute(sql`UPDATE rowmill.batch_rows SET fields = ${blanked}::json WHERE ${isMatch}`);
}
