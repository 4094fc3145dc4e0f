import { type Context, inTransaction } from "../context.ts";
import { type AuditEntry, recordAudit } from "./record-audit.ts";

/**
 * Runs a change of many things in many transactions. Its entry is committed before the first one, so that a change whose
 * process is killed has an entry too. A second entry follows only if the change did not reach all of them.
 * @param run returns how many were changed
 */
export async function recordBulk(
  ctx: Context,
  entry: AuditEntry,
  matched: number,
  run: () => Promise<number>,
): Promise<number> {
  const record = (counts: Readonly<Record<string, number>>) =>
    inTransaction(ctx, (tx) => recordAudit(tx, { ...entry, details: { ...entry.details, ...counts } }));
  if (matched > 0) await record({ matched });
  const changed = await run();
  if (changed !== matched) await record({ matched, changed });
  return changed;
}
