/** The numbers of a chart, as uPlot, its legend and its table need them. */

export interface ChartSeries {
  readonly name: string;
  /** A CSS variable, such as `--rowmill-success`. */
  readonly color: string;
  /** One per time. null: a gap. */
  readonly values: readonly (number | null)[];
}

export interface TimeRange {
  readonly from: Date;
  readonly to: Date;
}

/** Adds each series to those before it, so that bars stand on each other. Gaps stay gaps. */
export function stack(series: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const sums: number[] = [];
  return series.map((values) =>
    values.map((value, at) => {
      if (value === null) return null;
      sums[at] = (sums[at] ?? 0) + value;
      return sums[at];
    }),
  );
}

/** The latest value that is no gap. */
export function latestOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

export function highestOf(values: readonly (number | null)[]): number | null {
  return values.reduce(
    (highest, value) => (value !== null && value > (highest ?? -1) ? value : highest),
    null,
  );
}

/** The range that the point stands for. The last one is as long as the one before it. */
export function rangeAt(times: readonly Date[], at: number): TimeRange | null {
  const from = times[at];
  if (!from) return null;
  const before = times[at - 1];
  const to = times[at + 1] ?? (before ? new Date(2 * from.getTime() - before.getTime()) : from);
  return { from, to };
}

const DAY_MS = 86_400_000;

const MINUTES_MS = 10 * 60_000;

/** Seconds within ten minutes, hours within two days, and days over more. */
export function axisLabels(zone: "local" | "utc", spanMs: number): (moment: Date) => string {
  const format = new Intl.DateTimeFormat(undefined, {
    ...(spanMs > 2 * DAY_MS ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" }),
    ...(spanMs < MINUTES_MS ? { second: "2-digit" } : {}),
    ...(zone === "utc" ? { timeZone: "UTC" } : {}),
  });
  return (moment) => format.format(moment);
}
