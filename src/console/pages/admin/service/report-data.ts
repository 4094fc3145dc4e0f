import type { Schemas } from "../../../../client/operations.ts";
import type { ChartSeries } from "../../../parts/chart-data.ts";
import { formatDuration } from "../../../parts/format.ts";
import { reportWords as words } from "../../../words/admin-service.ts";

type Report = Schemas["Report"];
export type Part = Schemas["DailyReport"]["hours"][number];

/** The hours of a day, or the days of a week. */
export function partsOf({ data }: Pick<Report, "data">): readonly Part[] {
  return "hours" in data ? data.hours : data.days;
}

export function titleOfReport({ data }: Pick<Report, "data">): string {
  return "hours" in data ? words.dayOf(data.date) : words.weekOf(data.week_start, data.week_end);
}

export function requestSeries(parts: readonly Part[]): ChartSeries[] {
  const { succeeded, failed } = words.series;
  return [
    {
      name: succeeded,
      color: "--rowmill-success",
      values: parts.map(({ requests, failed }) => requests - failed),
    },
    { name: failed, color: "--rowmill-failed", values: parts.map((part) => part.failed) },
  ];
}

/** A time without a request is a gap. */
export function timeSeries(parts: readonly Part[]): ChartSeries[] {
  const of = (field: "p50" | "p95" | "p99") =>
    parts.map(({ requests, response_ms }) => (requests === 0 ? null : response_ms[field]));
  const { p50, p95, p99 } = words.series;
  return [
    { name: p50, color: "--rowmill-success", values: of("p50") },
    { name: p95, color: "--rowmill-running", values: of("p95") },
    { name: p99, color: "--rowmill-undone", values: of("p99") },
  ];
}

export const formatMs = (ms: number): string => formatDuration(ms / 1000);
