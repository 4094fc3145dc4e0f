/** Lists workflows. The statements have shapes for which one index is of use (docs/decisions/0076-lists-choose-their-index.md). */
import { and, getTableColumns, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Context } from "../context.ts";
import { containsText } from "../platform/postgres/contains-text.ts";
import { amongEnded, type EndedList, haveFewEnded } from "../platform/postgres/few-ended.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { searchList } from "../platform/postgres/search-list.ts";
import {
  createdUntil,
  idAfter,
  idBefore,
  isWithin,
  numbersBetween,
} from "../platform/postgres/within-times.ts";
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

/** In the order of `workflows_ended`. */
const ENDED: EndedList = { table: sql`rowmill.workflows`, endedAt: sql`ended_at`, maxSorted: 2000 };

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
    await numbersWithin(ctx, filter, key),
  );
  const read = (source: SQL) =>
    readPage(ctx, {
      fields: getTableColumns(workflow),
      from: sql`(${source}) AS workflow ORDER BY workflow.number DESC`,
      order: sql`number DESC`,
      limit,
    });
  const wanted = and(bounds, matches(filter)) ?? sql`true`;
  if (filter.endedFrom && (await haveFewEnded(ctx.db, ENDED, filter)))
    return read(amongEnded(ENDED, filter, and(isOf(owner), wanted) ?? wanted));
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
    name === undefined ? undefined : containsText(sql`name`, name),
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
function numbersWithin({ db }: Context, { from, before, endedBefore }: WorkflowFilter, key: SQL) {
  const until = createdUntil(before, endedBefore);
  const first = (isOutside: SQL, direction: SQL) =>
    sql`(SELECT number FROM rowmill.workflows WHERE ${isOutside} ORDER BY id ${direction} LIMIT 1)`;
  return numbersBetween(
    db,
    key,
    from && first(sql`id < ${idBefore(from)}`, sql`DESC`),
    until && first(sql`id >= ${idAfter(until)}`, sql`ASC`),
  );
}
