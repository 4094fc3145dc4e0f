/** Reads of limits, for operators and for the descriptions of types. */
import { asc, eq, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { taskLimits } from "../../schema/task-limits.ts";

export interface StoredLimit {
  readonly type: string;
  readonly perSecond: number | null;
  readonly concurrent: number | null;
  readonly changedBy: number | null;
  readonly changedAt: Date;
  /** Tasks of the type that run now. */
  readonly running: number;
  /** Tasks that wait because of the limit. */
  readonly waiting: number;
}

const columns = {
  type: taskLimits.type,
  perSecond: taskLimits.perSecond,
  concurrent: taskLimits.concurrent,
  changedBy: taskLimits.changedBy,
  changedAt: taskLimits.changedAt,
  running: sql<number>`(SELECT count(*)::int FROM rowmill.tasks WHERE status = 'processing' AND type = ${taskLimits.type})`,
  waiting: sql<number>`(SELECT count(*)::int FROM rowmill.limit_waits AS waits WHERE waits.type = ${taskLimits.type})`,
};

/** At most one for each task type. */
export function listLimits(ctx: Pick<Context, "db">): Promise<StoredLimit[]> {
  return ctx.db.select(columns).from(taskLimits).orderBy(asc(taskLimits.type));
}

export async function findLimit(ctx: Pick<Context, "db">, type: string): Promise<StoredLimit | undefined> {
  const [limit] = await ctx.db.select(columns).from(taskLimits).where(eq(taskLimits.type, type));
  return limit;
}

export type Limit = Pick<StoredLimit, "perSecond" | "concurrent">;

/** The limits of all types that have one, by type. */
export async function limitsByType(ctx: Pick<Context, "db">): Promise<ReadonlyMap<string, Limit>> {
  const { type, perSecond, concurrent } = taskLimits;
  const found = await ctx.db.select({ type, perSecond, concurrent }).from(taskLimits);
  return new Map(found.map(({ type, ...limit }) => [type, limit]));
}
