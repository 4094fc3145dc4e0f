/** Reads of workers. Only operators may see them. */
import { asc, eq, getTableColumns, gt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Found, readPage } from "../../platform/postgres/read-page.ts";
import { signOfLife } from "../../platform/process/sign-of-life.ts";
import { workers } from "../../schema/workers.ts";

/** How often a worker reports, and when it counts as lost. */
export const workerLife = signOfLife(5000);

export const isAlive = sql<boolean>`${workers.lastSeenAt} > now() - make_interval(secs => ${workerLife.deadAfterMs / 1000})`;

const { jobEvents: _jobEvents, watchedUntil: _watchedUntil, ...facts } = getTableColumns(workers);
const columns = { ...facts, isAlive };

type WorkerFacts = Omit<typeof workers.$inferSelect, "jobEvents" | "watchedUntil">;

export type StoredWorker = WorkerFacts & { readonly isAlive: boolean };

/** In the order in which they started. @param after the id of the last worker of the previous page */
export function listWorkers(ctx: Context, after: string | null, limit: number): Promise<Found<StoredWorker>> {
  const where = after === null ? sql`true` : gt(workers.id, after);
  return readPage(ctx, {
    fields: columns,
    from: sql`${workers} WHERE ${where} ORDER BY ${workers.id}`,
    order: sql`id`,
    limit,
  });
}

/** @throws DomainError `not_found` */
export async function getWorker(ctx: Pick<Context, "db">, id: string): Promise<StoredWorker> {
  const [worker] = await ctx.db.select(columns).from(workers).where(eq(workers.id, id));
  if (!worker) throw new DomainError("not_found", "No such worker. It may have ended.");
  return worker;
}

export function aliveWorkers(ctx: Pick<Context, "db">): Promise<WorkerFacts[]> {
  return ctx.db.select(facts).from(workers).where(isAlive).orderBy(asc(workers.id));
}
