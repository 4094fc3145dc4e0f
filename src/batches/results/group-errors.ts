/** Groups the errors of a batch: thousands of failed rows usually have a few causes. */
import type { Context } from "../../context.ts";
import { causeQuery } from "../cause.ts";
import { type CauseGroup, CauseGroups } from "../cause-groups.ts";
import { readCauses } from "../chunk-causes.ts";
import { MAX_ROW_NUMBER } from "../ids.ts";
import type { StoredBatch } from "../queries.ts";
import { PAGE_BYTES, readFailedRows, readFailedRowsOf } from "../read-failed-rows.ts";
import type { ErrorGroupsView } from "./views.ts";

/** The time after which the remaining rows are only counted. */
const MAX_MS = 20_000;
const MAX_MESSAGE_LENGTH = 500;
/** Usually there are few codes and columns. The limit protects the memory from a target that puts values into codes. */
const MAX_GROUPS = 1000;

/** @param maxMs the time for grouping; the remaining rows are `ungrouped` */
export async function groupErrors(
  ctx: Context,
  batch: Pick<StoredBatch, "id" | "failed">,
  maxMs = MAX_MS,
): Promise<ErrorGroupsView> {
  await ctx.reserveMemory(PAGE_BYTES);
  const until = performance.now() + maxMs;
  const groups = (await groupChunks(ctx, batch.id, until)) ?? (await groupRows(ctx, batch.id, until));
  const uncounted = Math.max(0, batch.failed - groups.failed);
  return {
    failed: groups.failed + uncounted,
    groups: groups
      .list()
      .toSorted((a, b) => b.count - a.count)
      .map(({ message, rows, ...group }) => ({
        ...group,
        message: shortened(message ?? ""),
        rows: [...rows],
        rows_url: urlOf(batch, group, rows),
      })),
    ungrouped: groups.ungrouped + uncounted,
  };
}

/**
 * Reads the rows of chunks only if their causes are unknown.
 * @returns null if rows have changed meanwhile, so that messages are missing
 */
async function groupChunks(ctx: Context, batchId: string, until: number): Promise<CauseGroups | null> {
  const groups = new CauseGroups(MAX_GROUPS);
  const addRows = async (firstRow: number, lastRow: number) => {
    for await (const rows of readFailedRows(ctx, { batchId, firstRow, lastRow }, { until })) groups.add(rows);
  };
  /** The first row that may have failed for an unknown cause; null: there is no such row so far. */
  let unknownFrom: number | null = null;
  let hasNoChunk = true;
  for await (const { firstRow, failed, causes } of readCauses(ctx, batchId, until)) {
    hasNoChunk = false;
    if (!causes) {
      unknownFrom ??= firstRow;
      continue;
    }
    if (unknownFrom !== null) await addRows(unknownFrom, firstRow - 1);
    unknownFrom = null;
    groups.addStored(failed, causes);
  }
  if (hasNoChunk) unknownFrom = 0;
  if (unknownFrom !== null) await addRows(unknownFrom, MAX_ROW_NUMBER);
  for await (const rows of readFailedRowsOf(ctx, batchId, groups.rowsWithoutMessage()))
    groups.addMessages(rows);
  return groups.rowsWithoutMessage().length > 0 ? null : groups;
}

async function groupRows(ctx: Context, batchId: string, until: number): Promise<CauseGroups> {
  const groups = new CauseGroups(MAX_GROUPS);
  const all = { batchId, firstRow: 0, lastRow: MAX_ROW_NUMBER };
  for await (const rows of readFailedRows(ctx, all, { until })) groups.add(rows);
  return groups;
}

function urlOf(
  { id }: Pick<StoredBatch, "id">,
  cause: Pick<CauseGroup, "code" | "column">,
  rows: readonly number[],
): string {
  return `/api/v1/batches/${id}/rows?${causeQuery(cause)}&from_row=${rows[0] ?? 1}`;
}

function shortened(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
}
