/** Entries of the request log, without requests. */
import type { Context } from "../../src/context.ts";
import type { EndedRequest } from "../../src/platform/http/ended-requests.ts";
import { writeEntries } from "../../src/request-log/write-entries.ts";

export const DAY_MS = 86_400_000;

/** An entry of the log, with everything that a test does not care about. */
export function entryAt(at: Date, own: Partial<EndedRequest> = {}): EndedRequest {
  return {
    at: at.getTime(),
    requestId: "request",
    method: "GET",
    route: "/api/v1/books",
    status: 200,
    ms: 10,
    userId: null,
    address: "192.0.2.1",
    requestBytes: 100,
    responseBytes: 200,
    ...own,
  };
}

export function logEntries(ctx: Context, entries: readonly EndedRequest[]): Promise<void> {
  return writeEntries(ctx, entries, 0);
}

/** A moment of an earlier day in UTC: 0 is today. */
export function daysAgo(days: number, hour = 12): Date {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  return new Date(today - days * DAY_MS + hour * 3_600_000);
}
