/** Reads batches of one user. */
import { and, desc, eq, isNull, lt, ne, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { batches } from "../schema/batches.ts";

/** Sums over a batch's chunks. */
interface Sums {
  readonly succeeded: number;
  readonly failed: number;
  readonly processing: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly reversed: number;
  readonly kept: number;
  readonly undoFailed: number;
}

export type StoredBatch = typeof batches.$inferSelect & Sums;

/** Summing is cheap: a million rows have a few hundred chunks. */
const sums = sql`(
  SELECT json_build_object(
    'succeeded', coalesce(sum(succeeded), 0),
    'failed', coalesce(sum(failed), 0),
    'processing', coalesce(sum(row_count - succeeded - failed) FILTER (WHERE state = 'processing'), 0),
    'created', coalesce(sum(created), 0),
    'updated', coalesce(sum(updated), 0),
    'unchanged', coalesce(sum(unchanged), 0),
    'reversed', coalesce(sum(reversed), 0),
    'kept', coalesce(sum(kept), 0),
    'undoFailed', coalesce(sum(undo_failed), 0)
  ) FROM rowmill.chunks WHERE chunks.batch_id = ${batches.id}
)`.mapWith((value: Sums) => value);

/** Hides batches that are being deleted, and the uploads of corrections, which belong to the batch that they correct. */
const isShown = and(ne(batches.state, "deleting"), isNull(batches.correctionOf));

async function selectBatches(ctx: Context, where: SQL | undefined, limit: number): Promise<StoredBatch[]> {
  const rows = await ctx.db
    .select({ batch: batches, sums })
    .from(batches)
    .where(where)
    .orderBy(desc(batches.id))
    .limit(limit);
  return rows.map((row) => ({ ...row.batch, ...row.sums }));
}

/** Clients poll this query. As a named statement it is planned once per connection: 0.2 ms instead of 0.6 ms. */
const batchOfUser = ({ db, hasSessions }: Context) =>
  db
    .select({ batch: batches, sums })
    .from(batches)
    .where(
      and(eq(batches.id, sql.placeholder("batchId")), eq(batches.userId, sql.placeholder("userId")), isShown),
    )
    .prepare(hasSessions ? "batch_of_user" : "");

const prepared = new WeakMap<Context["db"], ReturnType<typeof batchOfUser>>();

/** @throws DomainError `not_found`, also if the batch belongs to another user */
export async function getBatch(ctx: Context, userId: number, batchId: string): Promise<StoredBatch> {
  const statement = prepared.get(ctx.db) ?? batchOfUser(ctx);
  prepared.set(ctx.db, statement);
  const [found] = await statement.execute({ batchId, userId });
  if (!found) throw notFound("batch");
  return { ...found.batch, ...found.sums };
}

/**
 * Lists the newest batches first: ids begin with the time of creation.
 * @param before the last id of the previous page; null for the first page
 */
export async function listBatches(
  ctx: Context,
  userId: number,
  before: string | null,
  limit: number,
): Promise<StoredBatch[]> {
  const older = before === null ? undefined : lt(batches.id, before);
  return selectBatches(ctx, and(eq(batches.userId, userId), isShown, older), limit);
}
