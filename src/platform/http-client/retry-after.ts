const MAX_RETRY_AFTER_SECONDS = 3600;

/** Reads `Retry-After`: seconds, or a date. @returns at most an hour; null if it is absent, invalid or in the past */
export function readRetryAfter(value: string | string[] | undefined, now: Date): number | null {
  if (typeof value !== "string") return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - now.getTime()) / 1000;
  return seconds >= 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) : null;
}
