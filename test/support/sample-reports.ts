/** Reports of a busy day and a busy week, and of a day without requests. */
import type { DailyView, WeeklyView } from "../../src/reports/views.ts";

const HOUR_MS = 3_600_000;
const MONDAY = Date.UTC(2026, 10, 16);

/** Few requests at night, most in the afternoon. */
const HOURLY = [
  12, 8, 0, 0, 3, 21, 96, 310, 870, 1420, 1610, 1530, 1205, 1490, 1822, 1760, 1544, 1190, 820, 510, 402, 260,
  140, 61,
];
const DAILY = [17_084, 18_930, 21_207, 20_511, 18_702, 3204, 2402];

function partsOf(counts: readonly number[], from: number, lengthMs: number): DailyView["hours"] {
  return counts.map((requests, at) => ({
    start: new Date(from + at * lengthMs).toISOString(),
    requests,
    failed: Math.round(requests * (at === 10 ? 0.21 : 0.012)),
    response_ms:
      requests === 0
        ? { p50: 0, p95: 0, p99: 0 }
        : { p50: 6 + (at % 5), p95: 48 + at * 4, p99: at === 10 ? 4210.4 : 210 + at * 9 },
  }));
}

const endpoint = (method: string, route: string, requests: number, failed: number, p95: number) => ({
  ...{ method, route, requests, failed, error_rate: `${((failed / requests) * 100).toFixed(1)}%` },
  avg_response_time: "0.041s",
  response_ms: { p50: p95 / 4, p95, p99: p95 * 2 },
});

const traffic: Omit<DailyView, "date" | "hours" | "imports" | "tasks"> = {
  total_requests: 17_084,
  successful_requests: 16_541,
  failed_requests: 543,
  success_rate: "96.8%",
  unique_users: 41,
  unique_ips: 57,
  avg_response_time: "0.018s",
  unique_ips_counts: "addresses",
  response_ms: { p50: 6.1, p95: 48.2, p99: 210.4 },
  top_endpoints: {
    "/api/v1/batches/{batch_id}": 9201,
    "/api/v1/batches": 1204,
    "/api/v1/books": 870,
    "/api/v1/batches/{batch_id}/rows/{row_number}/attempts": 240,
  },
  top_users: [
    { user_id: 1, username: "ada", requests: 5200, failed: 12 },
    { user_id: 2, username: "grace", requests: 3100, failed: 0 },
    { user_id: 3, username: null, requests: 90, failed: 4 },
  ],
  slowest_endpoints: [
    endpoint("POST", "/api/v1/batches", 1204, 17, 310.5),
    endpoint("GET", "/api/v1/batches/{batch_id}/results.{format}", 61, 0, 240.1),
  ],
  statuses: {
    "200": 14_802,
    "201": 535,
    "202": 1204,
    "400": 21,
    "404": 293,
    "429": 210,
    "499": 4,
    "503": 15,
  },
  missing_requests: 0,
  is_complete: true,
};

export const sampleDay: DailyView = {
  date: "2026-11-25",
  ...traffic,
  hours: partsOf(HOURLY, Date.UTC(2026, 10, 25), HOUR_MS),
  imports: { processing: 1, completed: 41, completed_with_errors: 6, failed: 1 },
  tasks: { completed: 118, failed: 3, cancelled: 2 },
};

export const sampleWeek: WeeklyView = {
  week_start: "2026-11-16",
  week_end: "2026-11-22",
  ...traffic,
  total_requests: 102_040,
  missing_requests: 1240,
  is_complete: false,
  days: partsOf(DAILY, MONDAY, 24 * HOUR_MS),
  endpoints: [endpoint("GET", "/api/v1/batches/{batch_id}", 61_200, 210, 21.4)],
  failing_endpoints: [endpoint("GET", "/api/v1/batches/{batch_id}", 61_200, 210, 21.4)],
  users: { active: 96, created: 7, total: 310 },
  imports: { completed: 310, completed_with_errors: 42, failed: 3 },
  tasks: { pending: 2, completed: 1240, failed: 11 },
  week_over_week: {
    total_requests: { current: 102_040, previous: 90_702, change: "+12.5%" },
    failed_requests: { current: 1411, previous: 2010, change: "-29.8%" },
    unique_users: { current: 96, previous: 88, change: "+9.1%" },
    avg_response_ms: { current: 18.4, previous: 21.9, change: "-16.0%" },
    imports: { current: 355, previous: 0, change: null },
    tasks: { current: 1253, previous: 1190, change: "+5.3%" },
  },
};

export const emptyDay: DailyView = {
  ...sampleDay,
  ...{
    total_requests: 0,
    successful_requests: 0,
    failed_requests: 0,
    success_rate: "0.0%",
    unique_users: 0,
    unique_ips: 0,
  },
  ...{
    avg_response_time: "0.000s",
    response_ms: { p50: 0, p95: 0, p99: 0 },
    top_endpoints: {},
    top_users: [],
  },
  ...{ slowest_endpoints: [], statuses: {}, imports: {}, tasks: {} },
  hours: partsOf(
    Array.from({ length: 24 }, () => 0),
    Date.UTC(2026, 10, 25),
    HOUR_MS,
  ),
};
