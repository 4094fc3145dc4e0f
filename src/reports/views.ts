import Type, { type Static } from "typebox";
import { MapOf, Moment, nullable } from "../platform/http/schemas.ts";
import { reportKind } from "../schema/reports.ts";
import { reportIdOf } from "./periods.ts";
import type { ListedReport, StoredReport } from "./queries.ts";

const count = (description: string, example: number) =>
  Type.Integer({ minimum: 0, description, examples: [example] });

const Percentiles = Type.Object(
  {
    p50: Type.Number({ description: "Half of the requests were faster." }),
    p95: Type.Number({ description: "95 % of the requests were faster." }),
    p99: Type.Number({ description: "99 % of the requests were faster." }),
  },
  {
    description: "Response times in milliseconds, without event streams.",
    examples: [{ p50: 21.4, p95: 310.2, p99: 870 }],
  },
);

const EndpointView = Type.Object({
  method: Type.String({ description: "The method." }),
  route: Type.String({ description: "The path template; `(unknown)`: paths that do not exist." }),
  requests: count("Requests.", 45),
  failed: count("Requests with a status of 400 or more.", 2),
  error_rate: Type.String({ description: "`failed` as a percentage of `requests`." }),
  avg_response_time: Type.String({ description: "The mean response time." }),
  response_ms: Percentiles,
});

const ENDPOINT = {
  method: "POST",
  route: "/api/v1/batches",
  requests: 25,
  failed: 2,
  error_rate: "8.0%",
  avg_response_time: "0.412s",
  response_ms: { p50: 310.5, p95: 870.2, p99: 911 },
};

const endpoints = (description: string) => Type.Array(EndpointView, { description, examples: [[ENDPOINT]] });

const UserView = Type.Object({
  user_id: Type.Integer({ description: "The id of the user." }),
  username: nullable(Type.String(), "The name of the user. null: the account was deleted."),
  requests: count("Requests.", 45),
  failed: count("Requests with a status of 400 or more.", 2),
});

const PartView = Type.Object({
  start: Moment("When the part begins."),
  requests: count("Requests.", 12),
  failed: count("Requests with a status of 400 or more.", 1),
  response_ms: Percentiles,
});

const byState = (noun: string, period: string, example: Record<string, number>) =>
  MapOf(Type.Integer({ minimum: 0 }), {
    description: `The ${noun} that were created in the ${period}, by their state when the report was written.`,
    examples: [example],
  });

/** The fields that every report has. */
const Traffic = {
  total_requests: count("Requests, without `/livez` and `/readyz`.", 145),
  successful_requests: count("Requests with a status below 400.", 132),
  failed_requests: count("Requests with a status of 400 or more; 499: the client disconnected first.", 13),
  success_rate: Type.String({
    description: "`successful_requests` as a percentage. `0.0%` without requests.",
    examples: ["91.0%"],
  }),
  unique_users: count("Users who sent at least one request.", 8),
  unique_ips: count("Different client addresses, as far as `unique_ips_counts` says.", 12),
  avg_response_time: Type.String({
    description: "The mean response time, without event streams. `0.000s` without requests.",
    examples: ["0.087s"],
  }),
  top_endpoints: MapOf(Type.Integer({ minimum: 0 }), {
    description: "The ten path templates with the most requests, most requests first.",
    examples: [{ "/api/v1/tasks": 45, "/api/v1/batches/{batch_id}": 38 }],
  }),
  unique_ips_counts: Type.Enum(["addresses", "networks", "nothing"], {
    description: "networks or nothing: the log has shortened addresses, or none (REQUEST_LOG_ADDRESS).",
  }),
  response_ms: Percentiles,
  top_users: Type.Array(UserView, {
    description: "The ten users with the most requests.",
    examples: [[{ user_id: 3, username: "ada", requests: 45, failed: 2 }]],
  }),
  slowest_endpoints: endpoints("The ten endpoints with the highest p95."),
  statuses: MapOf(Type.Integer({ minimum: 0 }), {
    description: "Requests by status.",
    examples: [{ "200": 120, "201": 12, "404": 13 }],
  }),
  missing_requests: count(
    "Requests that the log lacks, because the database was too slow or unavailable.",
    0,
  ),
  is_complete: Type.Boolean({
    description: "false: the report was written before the end of its period.",
    examples: [true],
  }),
};

export const DailyView = Type.Object(
  {
    date: Type.String({ format: "date", description: "The day, in UTC.", examples: ["2026-11-25"] }),
    ...Traffic,
    hours: Type.Array(PartView, { description: "The requests of each hour." }),
    imports: byState("imports", "day", { completed: 3 }),
    tasks: byState("tasks", "day", { completed: 7, failed: 1 }),
  },
  { $id: "DailyReport", description: "The use of the API on one day." },
);

export type DailyView = Static<typeof DailyView>;

const ChangeView = Type.Object({
  current: Type.Number({ description: "The value of this week." }),
  previous: Type.Number({ description: "The value of the week before." }),
  change: nullable(Type.String({ examples: ["+12.5%"] }), "The difference. null: the week before had 0."),
});

export const WeeklyView = Type.Object(
  {
    week_start: Type.String({ format: "date", description: "The Monday, in UTC.", examples: ["2026-11-16"] }),
    week_end: Type.String({ format: "date", description: "The Sunday.", examples: ["2026-11-22"] }),
    ...Traffic,
    days: Type.Array(PartView, { description: "The requests of each day." }),
    endpoints: endpoints("The 20 endpoints with the most requests."),
    failing_endpoints: endpoints("The ten endpoints with the most failed requests."),
    users: Type.Object(
      {
        active: count("Users who sent at least one request.", 8),
        created: count("Accounts created in the week.", 2),
        total: count("Accounts at the end of the week.", 31),
      },
      { description: "The users." },
    ),
    imports: byState("imports", "week", { completed: 12, completed_with_errors: 2 }),
    tasks: byState("tasks", "week", { completed: 40, failed: 1 }),
    week_over_week: nullable(
      MapOf(ChangeView, {
        examples: [{ total_requests: { current: 900, previous: 800, change: "+12.5%" } }],
      }),
      "The most important numbers beside those of the week before. null: its log was deleted.",
    ),
  },
  { $id: "WeeklyReport", description: "The use of the API in one week." },
);

export type WeeklyView = Static<typeof WeeklyView>;

const Summary = {
  id: Type.String({
    description: "The id of the report: its kind and its first day.",
    examples: ["daily-2026-11-25"],
  }),
  kind: Type.Enum([...reportKind.enumValues], { description: "The kind of the report." }),
  period_start: Type.String({
    format: "date",
    description: "The first day, in UTC.",
    examples: ["2026-11-25"],
  }),
  created_at: Moment("When the report was last written."),
};

export const ListedReportView = Type.Object({
  ...Summary,
  total_requests: Traffic.total_requests,
  success_rate: Traffic.success_rate,
  is_complete: Traffic.is_complete,
});

export const ReportView = Type.Object(
  {
    ...Summary,
    data: Type.Union([Type.Ref("DailyReport"), Type.Ref("WeeklyReport")], { description: "The report." }),
  },
  { $id: "Report", description: "A report of the use of the API." },
);

export function viewReport({ data, ...report }: StoredReport): Static<typeof ReportView> {
  return { ...summaryOf(report), data: data as DailyView | WeeklyView };
}

export function viewListed(report: ListedReport): Static<typeof ListedReportView> {
  return {
    ...summaryOf(report),
    total_requests: report.totalRequests,
    success_rate: report.successRate,
    is_complete: report.isComplete,
  };
}

function summaryOf({
  kind,
  periodStart,
  createdAt,
}: Pick<StoredReport, "kind" | "periodStart" | "createdAt">) {
  return {
    id: reportIdOf({ kind, start: periodStart }),
    kind,
    period_start: periodStart,
    created_at: createdAt.toISOString(),
  };
}
