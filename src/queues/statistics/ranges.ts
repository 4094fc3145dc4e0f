/** The ranges of charts, and the length of a bar of each: at most 181 bars. */
import { MINUTE_MS } from "./record-minute.ts";

export const RANGES = ["1h", "24h", "7d"] as const;
export type Range = (typeof RANGES)[number];

const LENGTHS: Readonly<Record<Range, { readonly minutes: number; readonly bucketMinutes: number }>> = {
  "1h": { minutes: 60, bucketMinutes: 1 },
  "24h": { minutes: 24 * 60, bucketMinutes: 10 },
  "7d": { minutes: 7 * 24 * 60, bucketMinutes: 60 },
};

/** The starts of the buckets up to that of `now`, which has just started. */
export function bucketsOf(
  range: Range,
  now: Date,
): { readonly starts: readonly Date[]; readonly ms: number } {
  const { minutes, bucketMinutes } = LENGTHS[range];
  const ms = bucketMinutes * MINUTE_MS;
  const last = Math.floor(now.getTime() / ms) * ms;
  const count = minutes / bucketMinutes + 1;
  const starts = Array.from({ length: count }, (_, n) => new Date(last - (count - 1 - n) * ms));
  return { starts, ms };
}
