/** Tasks that are so few that a list may find them by an index without its order, and sort them. */
import { and, type SQL, sql } from "drizzle-orm";
import { type Context, readInTransaction } from "../context.ts";
import type { TaskStatus } from "../schema/tasks.ts";
import { matches, type TaskFilter } from "./queries.ts";
import type { Owner } from "./transitions.ts";

/** Up to this number, tasks are read and sorted. */
const FEW = 10_000;

/** Up to this number, tasks of a tag or type are read and sorted. They can be anywhere in the table. */
const FEW_FOUND = 5000;

/** The statuses as rows of `known (status)`. */
export const unnested = (statuses: readonly TaskStatus[]): SQL =>
  sql`unnest(${sql.param([...new Set(statuses)])}::rowmill.task_status[]) AS known (status)`;

/** Whether few tasks of all users have the statuses. The order names the index. */
export async function haveFew(ctx: Context, statuses: readonly TaskStatus[]): Promise<boolean> {
  const [found] = await runInOrder(
    ctx,
    sql`SELECT count(*)::int AS count FROM ${unnested(statuses)} CROSS JOIN LATERAL (
      SELECT FROM rowmill.tasks WHERE tasks.status = known.status ORDER BY created_at LIMIT ${FEW + 1}
    ) AS item`,
  );
  return Number(found?.count ?? 0) <= FEW;
}

/** A source of tasks with statuses that few have. More may have got them since they were counted. */
export const ofStatuses = (statuses: readonly TaskStatus[], wanted: SQL): SQL => sql`
  SELECT item.* FROM ${unnested(statuses)} CROSS JOIN LATERAL (
    SELECT * FROM rowmill.tasks WHERE tasks.status = known.status AND ${wanted} ORDER BY created_at LIMIT ${2 * FEW}
  ) AS item`;

/** @returns a time after all tasks with the statuses were created; undefined: no task has one of them */
export async function newestWith(
  { db }: Context,
  statuses: readonly TaskStatus[],
): Promise<Date | undefined> {
  const { rows } = await db.execute<{ at: string | null }>(sql`
    SELECT max((SELECT created_at FROM rowmill.tasks WHERE tasks.status = known.status ORDER BY created_at DESC LIMIT 1)) AS at
    FROM ${unnested(statuses)}`);
  // A date has milliseconds, the time of a task microseconds.
  return rows[0]?.at ? new Date(Date.parse(rows[0].at) + 1) : undefined;
}

/** The filters whose index shows if few tasks match: that of tags, and in the list of all users those of types and queues. */
function rarelyMatching(owner: Owner, { tag, type, queue }: TaskFilter): SQL[] {
  const ofAll = owner === null ? [type && isInBlocks({ type }), queue && isInBlocks({ queue })] : [];
  return [...ofAll, tag === undefined ? undefined : matches({ tag })].filter(
    (one) => one !== undefined && one !== "",
  );
}

/** Whether the index of tags, or in the list of all users that of types and queues, finds few tasks for one of the filters. */
export async function isRare(ctx: Context, owner: Owner, filter: TaskFilter): Promise<boolean> {
  for (const condition of rarelyMatching(owner, filter)) if (await findsFew(ctx, condition)) return true;
  return false;
}

/**
 * A source of tasks if `isRare`, for `runByBitmaps`. They are found by these indexes alone, and read by their place in the table: without
 * statistics, the planner would read an index of all tasks of the owner as well.
 */
export const ofRare = (owner: Owner, filter: TaskFilter, wanted: SQL): SQL => sql`
  SELECT item.* FROM unnest(ARRAY(
    SELECT ctid FROM rowmill.tasks WHERE ${and(...rarelyMatching(owner, filter))}
  )) AS found (place) CROSS JOIN LATERAL (
    SELECT * FROM rowmill.tasks WHERE ctid = found.place AND ${wanted} LIMIT 1
  ) AS item`;

const BITMAPS_ONLY = sql`set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
  set_config('enable_indexonlyscan', 'off', true), set_config('jit', 'off', true)`;

/** Runs a statement for which the planner has to collect the places of all matches from indexes. */
export const runByBitmaps = (ctx: Context, statement: SQL): Promise<Record<string, unknown>[]> =>
  runWith(ctx, BITMAPS_ONLY, statement);

/**
 * Asks the index, because no statistics are reliable: the planner may use neither another index nor the table. The index of tags returns no
 * more than about twice the limit, chosen at random: all tasks of a frequent tag would take 0.1 s per million.
 */
async function findsFew(ctx: Context, condition: SQL): Promise<boolean> {
  const [found] = await runWith(
    ctx,
    sql`${BITMAPS_ONLY}, set_config('gin_fuzzy_search_limit', ${String(2 * FEW_FOUND)}, true)`,
    sql`SELECT count(*)::int AS count FROM (SELECT FROM rowmill.tasks WHERE ${condition} LIMIT ${FEW_FOUND + 1}) AS found`,
  );
  return Number(found?.count ?? 0) <= FEW_FOUND;
}

/**
 * Runs a statement for which the planner has to follow the order of an index. Without statistics it expects few tasks of an owner or
 * status, and would sort all of them. JIT is off, because the high costs of what is off would make the server compile the statement.
 */
export const runInOrder = <Row extends Record<string, unknown>>(
  ctx: Context,
  statement: SQL,
): Promise<Row[]> =>
  runWith(
    ctx,
    sql`set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
      set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`,
    statement,
  );

const runWith = <Row extends Record<string, unknown>>(
  ctx: Context,
  settings: SQL,
  statement: SQL,
): Promise<Row[]> =>
  readInTransaction(ctx, async (tx) => {
    await tx.db.execute(sql`SELECT ${settings}`);
    return (await tx.db.execute(statement)).rows as Row[];
  });

/** Matches the index `tasks_type` and no other one. */
function isInBlocks({ type, queue }: Pick<TaskFilter, "type" | "queue">): SQL | undefined {
  return and(
    type === undefined ? undefined : sql`type || '' = ${type}`,
    queue === undefined ? undefined : sql`queue || '' = ${queue}`,
  );
}
