/** Numbers, sizes and times as people read them, in the language of the browser. */
const counts = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const shares = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "long" });

export const formatCount = (value: number): string => counts.format(value);
/** One decimal for slow rates. */
export const formatRate = (value: number): string =>
  counts.format(value < 100 ? Math.round(value * 10) / 10 : Math.round(value));
export const formatCompact = (value: number): string => compact.format(value);
/** @param value from 0 to 1. Only a whole is 100 %. */
export const formatShare = (value: number): string =>
  shares.format(value < 1 ? Math.min(value, 0.999) : value);

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function formatBytes(bytes: number): string {
  const at = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const unit = UNITS[at] ?? "byte";
  return new Intl.NumberFormat(undefined, {
    style: "unit",
    unit,
    unitDisplay: at === 0 ? "long" : "short",
    maximumFractionDigits: at === 0 ? 0 : 1,
  }).format(bytes / 1000 ** at);
}

const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Number.POSITIVE_INFINITY],
] as const;

/** "3 minutes ago", "in 2 hours" */
export function formatAgo(moment: Date, now = Date.now()): string {
  let value = (moment.getTime() - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(value) < size) return ago.format(Math.round(value), unit);
    value /= size;
  }
  return ago.format(Math.round(value), "year");
}

/** "1 h 5 min", "12 s", "350 ms" */
export function formatDuration(seconds: number): string {
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(undefined, {
      style: "unit",
      unit: name,
      unitDisplay: "short",
      maximumFractionDigits: name === "second" && value < 10 ? 1 : 0,
    }).format(value);
  if (seconds < 1) return unit(Math.round(seconds * 1000), "millisecond");
  if (seconds < 60) return unit(seconds, "second");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  // The second unit is left out if it is zero.
  const both = (...parts: readonly (readonly [value: number, name: string])[]) =>
    parts
      .map(([value, name], at) => (at > 0 && value === 0 ? "" : unit(value, name)))
      .join(" ")
      .trim();
  if (minutes < 60) return both([minutes, "minute"], [Math.floor(seconds % 60), "second"]);
  if (hours < 48) return both([hours, "hour"], [minutes % 60, "minute"]);
  return both([Math.floor(hours / 24), "day"], [hours % 24, "hour"]);
}

export type Zone = "local" | "utc";

export function formatMoment(moment: Date, zone: Zone): string {
  return new Intl.DateTimeFormat(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
    ...(zone === "utc" ? { timeZone: "UTC" } : {}),
  }).format(moment);
}

/** "26 Nov 2026, 14:00 – 14:10" */
export function formatRange(from: string | undefined, to: string | undefined, zone: Zone): string {
  const format = new Intl.DateTimeFormat(undefined, {
    dateStyle: "medium",
    timeStyle: "short",
    ...(zone === "utc" ? { timeZone: "UTC" } : {}),
  });
  if (from && to) return format.formatRange(new Date(from), new Date(to));
  return [from && format.format(new Date(from)), "–", to && format.format(new Date(to))]
    .filter(Boolean)
    .join(" ");
}

export function zoneName(zone: Zone): string {
  return zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}
