/** Lists workflows. The statements have shapes for which one index is of use (docs/decisions/0076-lists-choose-their-index.md). */
import { and, getTableColumns, ilike, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Context } from "../context.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { searchList } from "../platform/postgres/search-list.ts";
import { idAfter, idBefore, isWithin } from "../platform/postgres/within-times.ts";
import {
  type WorkflowKind,
  type WorkflowState,
  workflowKind,
  workflowState,
  workflows,
} from "../schema/workflows.ts";
import type { Owner } from "../tasks/transitions.ts";
import type { Workflow } from "./queries.ts";

export interface WorkflowFilter {
  readonly state?: WorkflowState;
  readonly kind?: WorkflowKind;
  /** A part of the name, ignoring case. */
  readonly name?: string;
  readonly userId?: number;
  /** Created at this time or later, and earlier than that. */
  readonly from?: Date;
  readonly before?: Date;
  readonly endedFrom?: Date;
  readonly endedBefore?: Date;
}

/** Up to this number, workflows that ended in a time are read from their index and sorted. */
const MAX_SORTED = 2000;

/** The name of a workflow in `readPage`. */
const workflow = alias(workflows, "workflow");

/** Newest first. @param before the number of the last workflow of the previous page; 0: from the newest */
export async function listWorkflows(
  ctx: Context,
  ownerId: Owner,
  filter: WorkflowFilter,
  { before, limit }: { before: number; limit: number },
): Promise<Found<Workflow>> {
  const owner = ownerId ?? filter.userId ?? null;
  const { state, kind, name } = filter;
  const isMerged = owner !== null && name === undefined && (kind ?? state) !== undefined;
  const key = isMerged ? sql`number + 0` : sql`number`;
  const bounds = and(
    before === 0 ? undefined : sql`${key} < ${before}::bigint`,
    await boundsOf(ctx, filter, key),
  );
  const read = (source: SQL) =>
    readPage(ctx, {
      fields: getTableColumns(workflow),
      from: sql`(${source}) AS workflow ORDER BY workflow.number DESC`,
      order: sql`number DESC`,
      limit,
    });
  if (filter.endedFrom && (await haveFewEnded(ctx, filter)))
    return read(amongEnded(filter, and(bounds, isOf(owner), matches(filter))));
  const wanted = and(bounds, matches(filter)) ?? sql`true`;
  if (isMerged) return read(merged(owner, filter, wanted, limit + 1));
  const inOrder = (where: SQL | undefined, count: number) => sql`
    SELECT * FROM rowmill.workflows WHERE ${and(isOf(owner), where) ?? sql`true`} ORDER BY number DESC LIMIT ${count}`;
  if (name === undefined && kind === undefined) return read(inOrder(wanted, limit + 1));
  // Lists of all users have an index of the states that are rare, and none of kinds.
  const isListed = and(bounds, state === undefined || state === "completed" ? undefined : matches({ state }));
  return searchList(ctx.db, {
    list: (count) => inOrder(owner === null ? isListed : bounds, count),
    key: "number",
    texts: name === undefined ? [] : ["name"],
    read: (last) =>
      read(inOrder(and(wanted, last === null ? undefined : sql`number >= ${last}::bigint`), limit + 1)),
  });
}

const isOf = (owner: Owner): SQL | undefined => (owner === null ? undefined : sql`user_id = ${owner}`);

/** The conditions of the filter, without the owner. */
function matches({
  state,
  kind,
  name,
  from,
  before,
  endedFrom,
  endedBefore,
}: WorkflowFilter): SQL | undefined {
  return and(
    state && sql`state = ${state}`,
    kind && sql`kind = ${kind}`,
    name === undefined ? undefined : ilike(sql`name`, `%${name.replace(/[\\%_]/g, "\\$&")}%`),
    isWithin(sql`created_at`, from, before),
    isWithin(sql`ended_at`, endedFrom, endedBefore),
  );
}

/** The newest of each kind and state, merged. Only this asks for the expressions of the index `workflows_listed`. */
function merged(owner: number, { state, kind }: WorkflowFilter, wanted: SQL, limit: number): SQL {
  const [kinds, states] = [
    kind ? [kind] : workflowKind.enumValues,
    state ? [state] : workflowState.enumValues,
  ];
  return sql`
    SELECT item.* FROM unnest(${sql.param(kinds)}::rowmill.workflow_kind[]) AS listed (kind)
    CROSS JOIN unnest(${sql.param(states)}::rowmill.workflow_state[]) AS known (state)
    CROSS JOIN LATERAL (
      SELECT * FROM rowmill.workflows
      WHERE user_id + 0 = ${owner} AND workflows.kind = listed.kind AND workflows.state = known.state AND ${wanted}
      ORDER BY number + 0 DESC LIMIT ${limit}
    ) AS item ORDER BY item.number DESC LIMIT ${limit}`;
}

/** The condition on numbers that follows from the times of the filter: ids begin with a time, and numbers ascend with it. */
async function boundsOf(
  ctx: Context,
  { from, before, endedBefore }: WorkflowFilter,
  key: SQL,
): Promise<SQL | undefined> {
  // A workflow is created before it ends.
  const until = before && endedBefore ? new Date(Math.min(+before, +endedBefore)) : (before ?? endedBefore);
  if (!from && !until) return undefined;
  const first = (isOutside: SQL | undefined, direction: SQL) =>
    isOutside
      ? sql`(SELECT number FROM rowmill.workflows WHERE ${isOutside} ORDER BY id ${direction} LIMIT 1)`
      : sql`NULL::bigint`;
  const { rows } = await ctx.db.execute<{ above: string | null; below: string | null }>(sql`
    SELECT ${first(from && sql`id < ${idBefore(from)}`, sql`DESC`)} AS above, ${first(until && sql`id >= ${idAfter(until)}`, sql`ASC`)} AS below`);
  const [{ above = null, below = null } = {}] = rows;
  return and(
    above === null ? undefined : sql`${key} > ${above}::bigint`,
    below === null ? undefined : sql`${key} < ${below}::bigint`,
  );
}

/** Workflows of all users that ended in the time, in the order of `workflows_ended`. */
function endedIn({ endedFrom, endedBefore }: WorkflowFilter, limit: number): SQL {
  const isIn = and(
    endedFrom && sql`ended_at >= ${endedFrom.toISOString()}::timestamptz`,
    endedBefore && sql`ended_at < ${endedBefore.toISOString()}::timestamptz`,
  );
  return sql`SELECT id FROM rowmill.workflows WHERE ${isIn} ORDER BY ended_at LIMIT ${limit}`;
}

/** Whether so few workflows of all users ended in the time that they can be sorted. */
async function haveFewEnded(ctx: Context, filter: WorkflowFilter): Promise<boolean> {
  const { rows } = await ctx.db.execute<{ count: number }>(
    sql`SELECT count(*)::int AS count FROM (${endedIn(filter, MAX_SORTED + 1)}) AS ended`,
  );
  return (rows[0]?.count ?? 0) <= MAX_SORTED;
}

/** More may have ended since they were counted. */
function amongEnded(filter: WorkflowFilter, wanted: SQL | undefined): SQL {
  return sql`
    WITH ended AS MATERIALIZED (${endedIn(filter, 2 * MAX_SORTED)})
    SELECT item.* FROM ended
    CROSS JOIN LATERAL (SELECT * FROM rowmill.workflows WHERE workflows.id = ended.id AND ${wanted ?? sql`true`} LIMIT 1) AS item`;
}
