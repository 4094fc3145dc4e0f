import { type Context, inTransaction } from "../context.ts";
import { DAY_MS } from "../platform/durations.ts";
import { removeOldRows } from "../platform/postgres/append-only.ts";
import { AUDIT_LOG } from "../schema/audit.ts";
import { recordAudit } from "./record-audit.ts";

/** Removes entries that are older than AUDIT_LOG_DAYS, and records how many. Only a function of the database may. */
export async function removeOldAuditEntries(ctx: Context, signal: AbortSignal): Promise<number> {
  const before = new Date(ctx.now().getTime() - ctx.config.auditLogDays * DAY_MS);
  let removed = 0;
  for (;;) {
    signal.throwIfAborted();
    const slice = await removeOldRows(ctx.pool, AUDIT_LOG, before);
    if (slice === null) {
      ctx.log.warn(
        "the role may not remove old entries of the audit log: see docs/operations/database-role.md",
      );
      break;
    }
    if (slice === 0) break;
    removed += slice;
  }
  if (removed > 0) {
    const details = { before: before.toISOString(), removed };
    const subject = { type: "audit_log", id: "*" };
    await inTransaction(ctx, (tx) => recordAudit(tx, { action: "audit.removed", subject, details }));
  }
  return removed;
}
