/** The stored statistics as charts have them. */
import type { AnswerOf, OperationOf } from "../../../../client/operations.ts";
import type { ChartSeries, TimeRange } from "../../../parts/chart-data.ts";
import { overviewWords as words } from "../../../words/admin-overview.ts";
import { queueWords } from "../../../words/queues.ts";
import { QUEUES } from "../shared/search-shapes.ts";

export type Statistics = AnswerOf<OperationOf<"get", "/api/v1/admin/statistics">>;
type Bucket = Statistics["buckets"][number];
type QueueName = (typeof QUEUES)[number];

const QUEUE_COLORS: Readonly<Record<QueueName, string>> = {
  bulk_processing: "--rowmill-running",
  file_processing: "--rowmill-undone",
  default: "--rowmill-success",
  notifications: "--mantine-color-orange-6",
  http: "--mantine-color-grape-6",
};

const series = (name: string, color: string, values: (number | null)[]): ChartSeries => ({
  name,
  color,
  values,
});

export function rowSeries(buckets: readonly Bucket[]): ChartSeries[] {
  const { succeeded, failed } = words.series;
  return [
    series(
      succeeded,
      "--rowmill-success",
      buckets.map(({ rows }) => rows?.succeeded ?? null),
    ),
    series(
      failed,
      "--rowmill-failed",
      buckets.map(({ rows }) => rows?.failed ?? null),
    ),
  ];
}

export function taskSeries(buckets: readonly Bucket[]): ChartSeries[] {
  const { completed, retried, failed } = words.series;
  return [
    series(
      completed,
      "--rowmill-success",
      buckets.map(({ tasks }) => tasks?.completed ?? null),
    ),
    series(
      retried,
      "--mantine-color-orange-6",
      buckets.map(({ tasks }) => tasks?.retried ?? null),
    ),
    series(
      failed,
      "--rowmill-failed",
      buckets.map(({ tasks }) => tasks?.failed ?? null),
    ),
  ];
}

/** One line per queue. A queue that has no row in a bucket is empty, unless nothing was recorded. */
export function queueSeries(
  buckets: readonly Bucket[],
  field: "waiting" | "oldest_waiting_seconds",
): ChartSeries[] {
  return QUEUES.map((name) =>
    series(
      queueWords[name],
      QUEUE_COLORS[name],
      buckets.map(({ minutes, queues }) => {
        if (minutes === 0) return null;
        return queues.find((queue) => queue.name === name)?.[field] ?? 0;
      }),
    ),
  );
}

export function workerSeries(buckets: readonly Bucket[]): ChartSeries[] {
  const { alive, busy } = words.series;
  return [
    series(
      alive,
      "--rowmill-success",
      buckets.map(({ workers }) => workers?.alive ?? null),
    ),
    series(
      busy,
      "--rowmill-running",
      buckets.map(({ workers }) => workers?.busy ?? null),
    ),
  ];
}

export function databaseSeries(buckets: readonly Bucket[]): ChartSeries[] {
  return [
    series(
      words.series.size,
      "--rowmill-running",
      buckets.map((bucket) => bucket.database_bytes),
    ),
  ];
}

/** The jobs of all queues together. The oldest one waits in `oldest`. */
export function sumQueues(queues: Statistics["now"]["queues"]) {
  const oldest = queues.reduce<(typeof queues)[number] | null>(
    (found, queue) =>
      (queue.oldest_waiting_seconds ?? -1) > (found?.oldest_waiting_seconds ?? -1) ? queue : found,
    null,
  );
  return {
    waiting: queues.reduce((sum, { waiting }) => sum + waiting, 0),
    active: queues.reduce((sum, { active }) => sum + active, 0),
    oldest,
    paused: queues.filter(({ is_paused }) => is_paused).map(({ name }) => queueWords[name]),
  };
}

export function countFailures(buckets: readonly Bucket[]): { readonly rows: number; readonly tasks: number } {
  return {
    rows: buckets.reduce((sum, { rows }) => sum + (rows?.failed ?? 0), 0),
    tasks: buckets.reduce((sum, { tasks }) => sum + (tasks?.failed ?? 0), 0),
  };
}

const TREND_MS = 5 * 60_000;

/** How many more jobs wait than five minutes ago. null: nothing was recorded then. */
export function trendOf(
  { buckets, now }: Pick<Statistics, "buckets" | "now">,
  name: QueueName,
): number | null {
  const then = Date.parse(now.at) - TREND_MS;
  const bucket = buckets.find(({ from, to }) => Date.parse(from) <= then && then < Date.parse(to));
  if (!bucket || bucket.minutes === 0) return null;
  const before = bucket.queues.find((queue) => queue.name === name)?.waiting ?? 0;
  return (now.queues.find((queue) => queue.name === name)?.waiting ?? 0) - before;
}

/** A range for the filters of a list, whose end is included. */
export function filterOf({ from, to }: TimeRange): { readonly from: string; readonly to: string } {
  return { from: from.toISOString(), to: new Date(to.getTime() - 1).toISOString() };
}
