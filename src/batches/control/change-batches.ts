/** Operators change all batches that match a filter. */
import {
  and,
  count,
  desc,
  inArray,
  isNotNull,
  lte,
  max,
  ne,
  not,
  notInArray,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { AuditAction } from "../../audit/actions.ts";
import { recordBulk } from "../../audit/record-bulk.ts";
import type { Context } from "../../context.ts";
import { DomainError, requireExpected } from "../../errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { batches } from "../../schema/batches.ts";
import { hasRights, targetsDeniedTo } from "../../targets/rights.ts";
import type { AdminBatchAction } from "../allowed-actions.ts";
import { type BatchFilter, matches } from "../match-batches.ts";
import { isShown } from "../queries.ts";
import { transitions } from "../state.ts";
import { cancelBatch } from "./cancel-batch.ts";
import { deleteBatch } from "./delete-batch.ts";
import { pauseBatch } from "./pause-batch.ts";
import { resumeBatch } from "./resume-batch.ts";
import { retryRows } from "./retry-rows.ts";

export interface BulkChange {
  readonly action: AdminBatchAction;
  readonly filter: BatchFilter;
  /** The number of matches from an earlier call. Absent: counts and changes nothing. */
  readonly expect?: number | undefined;
  /** For `pause` and `cancel`. */
  readonly reason?: string | undefined;
  /** For `retry`: retries unprocessed rows as well. */
  readonly unprocessed?: boolean | undefined;
}

export interface Changed {
  readonly matched: number;
  readonly changed: number;
}

const RECORDED: Readonly<Record<AdminBatchAction, AuditAction>> = {
  pause: "batches.paused",
  resume: "batches.resumed",
  cancel: "batches.cancelled",
  retry: "batches.retried",
  delete: "batches.deleted",
};

/** The batches that are found at a time. Each is changed in its own transaction. */
const PAGE = 100;

/**
 * Changes all batches of all users that match the filter and whose state allows the action, newest first. Batches that are
 * created after the count stay unchanged.
 * @param seconds the time limit, after which it stops with `changed` below `matched`
 * @throws DomainError `conflict` if the number of matches is not `expect`; `invalid_input` if PostgreSQL cannot store the reason
 */
export async function changeBatches(ctx: Context, change: BulkChange, seconds: number): Promise<Changed> {
  const { action, filter, expect, reason, unprocessed } = change;
  requireStorable(reason ?? "", "reason");
  const [found] = await ctx.db
    .select({ matched: count(), newest: max(batches.number) })
    .from(batches)
    .where(isChangeable(ctx, change));
  const matched = found?.matched ?? 0;
  if (expect === undefined) return { matched, changed: 0 };
  requireExpected(matched, expect);
  const entry = {
    action: RECORDED[action],
    subject: { type: "batches", id: "*" },
    ownerId: filter.userId ?? null,
    details: { filter, reason, unprocessed },
  };
  const run = () => changePages(ctx, change, found?.newest ?? 0, seconds);
  return { matched, changed: await recordBulk(ctx, entry, matched, run) };
}

async function changePages(
  ctx: Context,
  change: BulkChange,
  newest: number,
  seconds: number,
): Promise<number> {
  const endsAt = performance.now() + seconds * 1000;
  let changed = 0;
  for (let upTo = newest; ; ) {
    const page = await ctx.db
      .select({ id: batches.id, number: batches.number, userId: batches.userId })
      .from(batches)
      .where(and(isChangeable(ctx, change), lte(batches.number, upTo)))
      .orderBy(desc(batches.number))
      .limit(PAGE);
    if (page.length === 0) return changed;
    for (const batch of page) {
      if (performance.now() >= endsAt) return changed;
      if (await changeBatch(ctx, change, batch)) changed++;
      upTo = batch.number - 1;
    }
  }
}

/** @returns false if the batch has changed since it was found, so that the action is no longer possible */
async function changeBatch(
  ctx: Context,
  { action, reason, unprocessed = false }: BulkChange,
  { id, userId }: { readonly id: string; readonly userId: number },
): Promise<boolean> {
  try {
    if (action === "pause") await pauseBatch(ctx, userId, id, reason || "Paused by an operator.");
    else if (action === "resume") await resumeBatch(ctx, userId, id);
    else if (action === "cancel") await cancelBatch(ctx, userId, id, reason || "Cancelled by an operator.");
    else if (action === "retry") await retryRows(ctx, userId, id, { unprocessed });
    else await deleteBatch(ctx, userId, id);
    return true;
  } catch (error) {
    if (error instanceof DomainError && (error.code === "conflict" || error.code === "not_found"))
      return false;
    throw error;
  }
}

function isChangeable(ctx: Context, { action, filter, unprocessed = false }: BulkChange): SQL | undefined {
  return and(
    isShown,
    matches(filter),
    inArray(batches.state, [...transitions[action].from]),
    or(isNotNull(batches.targetVersion), notInArray(batches.target, targetsDeniedTo(ctx))),
    hasRights(ctx, { role: "admin", canUndo: false, isRemote: false })
      ? undefined
      : sql`(${batches.targetTraits} ->> 'role') IS NULL`,
    action === "retry" ? canBeRetried(unprocessed) : undefined,
  );
}

/** As `retryRows` decides it. */
function canBeRetried(unprocessed: boolean): SQL | undefined {
  const hasChunk = (condition: SQL) =>
    sql<boolean>`EXISTS (SELECT FROM rowmill.chunks WHERE batch_id = ${batches.id} AND ${condition})`;
  const hasFailed = hasChunk(sql`failed > 0`);
  const hasOpen = sql<boolean>`(${ne(batches.state, "validated")} AND ${hasChunk(sql`succeeded + failed < row_count`)})`;
  if (unprocessed) return sql`(${hasFailed} OR ${hasOpen})`;
  const isImplied = sql`(${batches.state} = 'failed' AND (${batches.isDryRun} OR ${batches.policy} = 'atomic'))`;
  return sql`CASE WHEN ${isImplied} THEN ${hasFailed} OR ${hasOpen} ELSE ${hasFailed} AND ${not(hasOpen)} END`;
}
