import { and, eq, isNull } from "drizzle-orm";
import { announceToAdmins } from "../announcements/announce-to-admins.ts";
import { recordAudit } from "../audit/record-audit.ts";
import { type Context, inTransaction, onReplica, repeatedReads, type Tx } from "../context.ts";
import { invalidField } from "../errors.ts";
import { readSnapshot } from "../platform/postgres/read-snapshot.ts";
import { firstLoggedDay } from "../request-log/remove-old-entries.ts";
import { type ReportKind, reports } from "../schema/reports.ts";
import { buildDaily, buildWeekly } from "./build-report.ts";
import { type Period, periodAt, periodBefore, periodOf, reportIdOf } from "./periods.ts";
import type { StoredReport } from "./queries.ts";
import type { DailyView, WeeklyView } from "./views.ts";

/** The limit of each statement in a request. Its client waits. */
const REQUEST_SECONDS = 60;
/** The limit in a job or a task. Three million requests took 15 s on a busy machine. */
const JOB_SECONDS = 1200;

export interface ReportOptions {
  /** Any date of the period; undefined: the last period that has ended. */
  readonly date?: string | undefined;
  /** Whether a client waits for the report. */
  readonly isRequest?: boolean;
}

/**
 * Writes the report of a period, or replaces it. Tells all admins once the report of a period that has ended is written for
 * the first time.
 * @throws DomainError `invalid_input` if the period has not started or the log of the period was deleted
 */
export async function writeReport(
  ctx: Context,
  kind: ReportKind,
  { date, isRequest = false }: ReportOptions = {},
): Promise<StoredReport> {
  const period = date === undefined ? periodBefore(periodAt(kind, ctx.now())) : periodOf(kind, date);
  requireLogged(ctx, period);
  const seconds = isRequest ? REQUEST_SECONDS : JOB_SECONDS;
  const data = await repeatedReads(onReplica(ctx, period.to), ({ pool }) =>
    readSnapshot(pool, seconds, (db) => build({ ...ctx, db }, period)),
  );
  return inTransaction(ctx, async (tx) => {
    const report = await store(tx, period, data);
    const subject = { type: "report", id: reportIdOf(period) };
    if (isRequest) await recordAudit(tx, { action: "report.created", subject });
    return report;
  });
}

/** A report of deleted entries would replace the right one. */
function requireLogged(ctx: Context, { from }: Period): void {
  if (from > ctx.now()) throw invalidField("date", "must not be in the future.");
  if (from >= firstLoggedDay(ctx)) return;
  const days = ctx.config.requestLogDays;
  throw invalidField(
    "date",
    `the request log is kept for ${days} days (REQUEST_LOG_DAYS). Choose a later date.`,
  );
}

function build(ctx: Context, period: Period): Promise<DailyView | WeeklyView> {
  if (period.kind === "daily") return buildDaily(ctx, period);
  return buildWeekly(ctx, period, periodBefore(period).from >= firstLoggedDay(ctx));
}

async function store(tx: Tx, period: Period, data: DailyView | WeeklyView): Promise<StoredReport> {
  const { kind, start: periodStart } = period;
  const createdAt = tx.now();
  const [report] = await tx.db
    .insert(reports)
    .values({ kind, periodStart, data, createdAt })
    .onConflictDoUpdate({ target: [reports.kind, reports.periodStart], set: { data, createdAt } })
    .returning();
  if (!report) throw new Error("The report was not stored.");
  if (data.is_complete && report.announcedAt === null) await announceReport(tx, period);
  return report;
}

async function announceReport(tx: Tx, { kind, start }: Period): Promise<void> {
  const isThis = and(eq(reports.kind, kind), eq(reports.periodStart, start), isNull(reports.announcedAt));
  await tx.db.update(reports).set({ announcedAt: tx.now() }).where(isThis);
  const reportId = reportIdOf({ kind, start });
  const data = { report_id: reportId, kind, period_start: start };
  await announceToAdmins(tx, { kind: "report.ready", subjectId: reportId, sequence: 1, data });
}
