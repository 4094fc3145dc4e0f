/** Builds reports from the request log. */
import type { Context } from "../context.ts";
import { DAY_MS, HOUR_MS } from "../platform/durations.ts";
import { readMissing } from "../request-log/read-missing.ts";
import { dateOf, type Period, periodBefore } from "./periods.ts";
import {
  type Endpoint,
  type Part,
  readEndpoints,
  readParts,
  readStatuses,
  readTopUsers,
  readTotals,
  type Totals,
} from "./read-traffic.ts";
import { readAccounts, readImports, readTasks } from "./read-work.ts";
import type { DailyView, WeeklyView } from "./views.ts";

const TOP = 10;
const TOP_OF_WEEK = 20;

const COUNTED = { full: "addresses", network: "networks", none: "nothing" } as const;

type Reader = Pick<Context, "db" | "config" | "now">;

export async function buildDaily(ctx: Reader, period: Period): Promise<DailyView> {
  const { traffic } = await readAll(ctx, period);
  const hours = await readParts(ctx.db, period, HOUR_MS);
  const imports = await readImports(ctx.db, period);
  const tasks = await readTasks(ctx.db, period);
  return { date: period.start, ...traffic, hours: hours.map(viewPart), imports, tasks };
}

/** @param hasPrevious whether the log still has the week before */
export async function buildWeekly(ctx: Reader, period: Period, hasPrevious: boolean): Promise<WeeklyView> {
  const { totals, endpoints, traffic } = await readAll(ctx, period);
  const days = await readParts(ctx.db, period, DAY_MS);
  const { total, created } = await readAccounts(ctx.db, period);
  const imports = await readImports(ctx.db, period);
  const tasks = await readTasks(ctx.db, period);
  const byFailed = endpoints.toSorted((a, b) => b.failed - a.failed).filter(({ failed }) => failed > 0);
  return {
    week_start: period.start,
    week_end: dateOf(new Date(period.to.getTime() - DAY_MS)),
    ...traffic,
    days: days.map(viewPart),
    endpoints: endpoints.slice(0, TOP_OF_WEEK).map(viewEndpoint),
    failing_endpoints: byFailed.slice(0, TOP).map(viewEndpoint),
    users: { active: totals.users, created, total },
    imports,
    tasks,
    week_over_week: hasPrevious
      ? compare(keyNumbers(totals, imports, tasks), await readKeyNumbers(ctx, periodBefore(period)))
      : null,
  };
}

async function readAll({ db, config, now }: Reader, period: Period) {
  const totals = await readTotals(db, period);
  const endpoints = await readEndpoints(db, period);
  const users = await readTopUsers(db, period);
  const slowest = endpoints.toSorted((a, b) => b.ms.p95 - a.ms.p95);
  const { requests, failed } = totals;
  const traffic = {
    total_requests: requests,
    successful_requests: requests - failed,
    failed_requests: failed,
    success_rate: percentage(requests - failed, requests),
    unique_users: totals.users,
    unique_ips: totals.addresses,
    avg_response_time: seconds(totals.ms.avg),
    top_endpoints: topRoutes(endpoints),
    unique_ips_counts: COUNTED[config.requestLogAddress],
    response_ms: percentilesOf(totals),
    top_users: users.map(({ userId, ...rest }) => ({ user_id: userId, ...rest })),
    slowest_endpoints: slowest.slice(0, TOP).map(viewEndpoint),
    statuses: await readStatuses(db, period),
    missing_requests: await readMissing({ db }, period),
    is_complete: period.to <= now(),
  };
  return { totals, endpoints, traffic };
}

/** The requests of each path, whatever their methods. */
function topRoutes(endpoints: readonly Endpoint[]): Record<string, number> {
  const byRoute = new Map<string, number>();
  for (const { route, requests } of endpoints) byRoute.set(route, (byRoute.get(route) ?? 0) + requests);
  const top = [...byRoute].toSorted(([, a], [, b]) => b - a).slice(0, TOP);
  return Object.fromEntries(top);
}

function viewEndpoint(endpoint: Endpoint): DailyView["slowest_endpoints"][number] {
  const { method, route, requests, failed, ms } = endpoint;
  return {
    method,
    route,
    requests,
    failed,
    error_rate: percentage(failed, requests),
    avg_response_time: seconds(ms.avg),
    response_ms: percentilesOf(endpoint),
  };
}

function viewPart(part: Part): DailyView["hours"][number] {
  const { start, requests, failed } = part;
  return { start: start.toISOString(), requests, failed, response_ms: percentilesOf(part) };
}

function percentilesOf({ ms: { p50, p95, p99 } }: Pick<Totals, "ms">): DailyView["response_ms"] {
  return { p50, p95, p99 };
}

function percentage(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(1)}%`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)}s`;
}

type KeyNumbers = Readonly<Record<string, number>>;

async function readKeyNumbers({ db }: Reader, period: Period): Promise<KeyNumbers> {
  const totals = await readTotals(db, period);
  return keyNumbers(totals, await readImports(db, period), await readTasks(db, period));
}

function keyNumbers(totals: Totals, imports: KeyNumbers, tasks: KeyNumbers): KeyNumbers {
  const sum = (counts: KeyNumbers) => Object.values(counts).reduce((total, count) => total + count, 0);
  return {
    total_requests: totals.requests,
    failed_requests: totals.failed,
    unique_users: totals.users,
    avg_response_ms: totals.ms.avg,
    imports: sum(imports),
    tasks: sum(tasks),
  };
}

function compare(current: KeyNumbers, before: KeyNumbers): NonNullable<WeeklyView["week_over_week"]> {
  return Object.fromEntries(
    Object.entries(current).map(([name, value]) => {
      const previous = before[name] ?? 0;
      return [name, { current: value, previous, change: changeFrom(previous, value) }];
    }),
  );
}

function changeFrom(previous: number, current: number): string | null {
  if (previous === 0) return null;
  const percent = ((current - previous) / previous) * 100;
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)}%`;
}
