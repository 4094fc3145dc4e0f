import { and, desc, eq, lt, or, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, firstOf } from "../platform/postgres/read-page.ts";
import { type ReportKind, reports } from "../schema/reports.ts";
import { type Period, parseReportId } from "./periods.ts";

export type StoredReport = typeof reports.$inferSelect;

/** @throws DomainError `not_found` */
export async function getReport({ db }: Pick<Context, "db">, id: string): Promise<StoredReport> {
  const key = parseReportId(id);
  const [report] = key
    ? await db
        .select()
        .from(reports)
        .where(and(eq(reports.kind, key.kind), eq(reports.periodStart, key.start)))
    : [];
  if (!report) throw notFound("report");
  return report;
}

interface ListOptions {
  readonly kind: ReportKind | undefined;
  readonly limit: number;
  /** The last report of the previous page. */
  readonly after: Pick<Period, "kind" | "start"> | null;
}

const fields = {
  kind: reports.kind,
  periodStart: reports.periodStart,
  createdAt: reports.createdAt,
  totalRequests: sql<number>`(${reports.data} ->> 'total_requests')::int`,
  successRate: sql<string>`${reports.data} ->> 'success_rate'`,
  isComplete: sql<boolean>`(${reports.data} ->> 'is_complete')::boolean`,
};

export type ListedReport = Pick<StoredReport, "kind" | "periodStart" | "createdAt"> & {
  readonly totalRequests: number;
  readonly successRate: string;
  readonly isComplete: boolean;
};

/** The latest period first; there are few reports per year. */
export async function listReports(
  { db }: Context,
  { kind, limit, after }: ListOptions,
): Promise<Found<ListedReport>> {
  const found = await db
    .select(fields)
    .from(reports)
    .where(and(kind && eq(reports.kind, kind), after ? isAfter(after) : undefined))
    .orderBy(desc(reports.periodStart), desc(reports.kind))
    .limit(limit + 1);
  return firstOf(found, limit);
}

function isAfter({ kind, start }: Pick<Period, "kind" | "start">): SQL | undefined {
  return or(lt(reports.periodStart, start), and(eq(reports.periodStart, start), lt(reports.kind, kind)));
}

/** Returns the first day of the latest period with a complete report; null without one. */
export async function latestComplete({ db }: Context, kind: ReportKind): Promise<string | null> {
  const [latest] = await db
    .select({ start: reports.periodStart })
    .from(reports)
    .where(and(eq(reports.kind, kind), fields.isComplete))
    .orderBy(desc(reports.periodStart))
    .limit(1);
  return latest?.start ?? null;
}
