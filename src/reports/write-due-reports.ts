import type { Context } from "../context.ts";
import { firstLoggedDay } from "../request-log/remove-old-entries.ts";
import type { ReportKind } from "../schema/reports.ts";
import { type Period, periodAt, periodBefore } from "./periods.ts";
import { latestComplete } from "./queries.ts";
import { writeReport } from "./write-report.ts";

/** If no worker ran at the scheduled times, the reports of at most this many periods are written later. */
const MAX_MISSED = 7;

/** Writes the report of the last period, and those that were missed since the latest one. */
export async function writeDueReports(
  ctx: Context,
  kind: ReportKind,
  signal: AbortSignal,
): Promise<{ written: string[] } | undefined> {
  if (!ctx.config.requestLog) return undefined;
  const due = duePeriods(ctx, kind, await latestComplete(ctx, kind));
  for (const { start } of due) {
    signal.throwIfAborted();
    await writeReport(ctx, kind, { date: start });
  }
  return { written: due.map(({ start }) => start) };
}

/** Oldest first. */
function duePeriods(ctx: Context, kind: ReportKind, latest: string | null): Period[] {
  const due: Period[] = [];
  let period = periodBefore(periodAt(kind, ctx.now()));
  while (period.start > (latest ?? "") && period.from >= firstLoggedDay(ctx) && due.length < MAX_MISSED) {
    due.unshift(period);
    // Without any report there is nothing to catch up with.
    if (latest === null) break;
    period = periodBefore(period);
  }
  return due;
}
