import { and, eq, isNotNull, sql } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction, publishChange } from "../../context.ts";
import { limitWaits, taskLimits } from "../../schema/task-limits.ts";
import { findLimit, type Limit, type StoredLimit } from "./queries.ts";

/** The payload is the task type whose limit has changed. */
export const LIMIT_CHANNEL = "rowmill_limit";

/** Replaces the limit of a type. Waiting tasks follow the new one within about a second. Running tasks continue. */
export function setLimit(ctx: Context, type: string, limit: Limit): Promise<StoredLimit> {
  return inTransaction(ctx, async (tx) => {
    const before = await findLimit(tx, type);
    const changes = { ...limit, changedBy: tx.actor?.id ?? null, changedAt: sql`statement_timestamp()` };
    // A slower limit before must not delay the next task.
    const nextAt = sql`least(${taskLimits.nextAt}, statement_timestamp() + ${intervalOf(limit)})`;
    await tx.db
      .insert(taskLimits)
      .values({ type, ...changes })
      .onConflictDoUpdate({ target: taskLimits.type, set: { ...changes, nextAt } });
    // Turns of the limit before, which no worker has used yet.
    await tx.db
      .update(limitWaits)
      .set({ grantedAt: null })
      .where(and(eq(limitWaits.type, type), isNotNull(limitWaits.grantedAt)));
    const details = { from: before ? shown(before) : null, to: shown(limit) };
    await recordAudit(tx, { action: "task_limit.set", subject: { type: "task_type", id: type }, details });
    await publishChange(tx, LIMIT_CHANNEL, [type]);
    const stored = await findLimit(tx, type);
    if (!stored) throw new Error(`The limit of ${type} was not stored.`);
    return stored;
  });
}

/** Lets tasks of a type start without a limit. @returns whether it had one */
export function removeLimit(ctx: Context, type: string): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const [removed] = await tx.db.delete(taskLimits).where(eq(taskLimits.type, type)).returning();
    if (!removed) return false;
    const details = { from: shown(removed), to: null };
    await recordAudit(tx, {
      action: "task_limit.removed",
      subject: { type: "task_type", id: type },
      details,
    });
    await publishChange(tx, LIMIT_CHANNEL, [type]);
    return true;
  });
}

/** The time between two starts. */
export function intervalOf({ perSecond }: Pick<Limit, "perSecond">) {
  return sql`make_interval(secs => ${perSecond === null ? 0 : 1 / perSecond}::float8)`;
}

function shown({ perSecond, concurrent }: Limit) {
  return { per_second: perSecond, concurrent };
}
