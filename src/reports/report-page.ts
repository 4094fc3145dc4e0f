/** A report as a page that loads nothing and runs no script. */
import { createHash } from "node:crypto";
import { Html, html } from "../platform/html.ts";
import { barChart } from "./bar-chart.ts";
import type { DailyView, WeeklyView } from "./views.ts";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; color-scheme: light dark; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem; } dt { color: #666; font-size: .85rem; } dd { margin: 0; font-size: 1.3rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818; } dt { color: #999; } th, td { border-color: #444; } }
`;

/** Allows the style of the page and nothing else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function reportPage(data: DailyView | WeeklyView): string {
  const isDay = "date" in data;
  const title = isDay
    ? `Daily report: ${data.date}`
    : `Weekly report: ${data.week_start} to ${data.week_end}`;
  const bars = (isDay ? data.hours : data.days).map(({ start, requests, failed }) => ({
    label: isDay ? start.slice(11, 13) : start.slice(5, 10),
    value: requests,
    failed,
  }));
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<h1>${title}</h1>
${notes(data)}
${facts(data)}
<h2>Requests per ${isDay ? "hour (UTC)" : "day"}</h2>
${barChart("Requests and failed requests", bars)}
${table("Most used paths", ["Path", "Requests"], Object.entries(data.top_endpoints))}
${endpointTable("Slowest endpoints", data.slowest_endpoints)}
${isDay ? "" : weekOf(data)}
${table(
  "Most active users",
  ["User", "Requests", "Failed"],
  data.top_users.map(({ user_id, username, requests, failed }) => [
    username ?? `#${user_id}`,
    requests,
    failed,
  ]),
)}
${table("Statuses", ["Status", "Requests"], Object.entries(data.statuses))}
</body>
</html>
`;
  return page.text;
}

function notes({ is_complete, missing_requests }: DailyView | WeeklyView): Html[] {
  return [
    ...(is_complete ? [] : [html`<p>This period had not ended when the report was written.</p>`]),
    ...(missing_requests > 0 ? [html`<p>The log lacks ${missing_requests} requests.</p>`] : []),
  ];
}

function facts(data: DailyView | WeeklyView): Html {
  const { response_ms, unique_ips_counts } = data;
  const addresses = { addresses: "Addresses", networks: "Networks", nothing: "Addresses (not logged)" };
  return definitions([
    ["Requests", data.total_requests],
    ["Failed", data.failed_requests],
    ["Success rate", data.success_rate],
    ["Users", data.unique_users],
    [addresses[unique_ips_counts], data.unique_ips],
    ["Mean response", data.avg_response_time],
    ["p95", `${response_ms.p95} ms`],
    ["p99", `${response_ms.p99} ms`],
  ]);
}

function weekOf({ week_over_week, failing_endpoints, endpoints, users, imports, tasks }: WeeklyView): Html[] {
  const changes = Object.entries(week_over_week ?? {});
  return [
    endpointTable("Most used endpoints", endpoints),
    endpointTable("Failing endpoints", failing_endpoints),
    table(
      "Week over week",
      ["Number", "This week", "Week before", "Change"],
      changes.map(([name, { current, previous, change }]) => [name, current, previous, change ?? ""]),
    ),
    html`<h2>Users</h2>
${definitions(Object.entries(users))}`,
    table("Imports", ["State", "Imports"], Object.entries(imports)),
    table("Tasks", ["Status", "Tasks"], Object.entries(tasks)),
  ];
}

function endpointTable(title: string, endpoints: DailyView["slowest_endpoints"]): Html {
  const rows = endpoints.map(({ method, route, requests, error_rate, response_ms: { p50, p95, p99 } }) => [
    `${method} ${route}`,
    requests,
    error_rate,
    p50,
    p95,
    p99,
  ]);
  return table(title, ["Endpoint", "Requests", "Errors", "p50 ms", "p95 ms", "p99 ms"], rows);
}

type Cell = string | number;

function table(title: string, head: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  if (rows.length === 0) return html`<h2>${title}</h2><p>None.</p>`;
  return html`<h2>${title}</h2>
<table>
<tr>${head.map((name) => html`<th>${name}</th>`)}</tr>
${rows.map(
  (row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>
`,
)}</table>`;
}

function definitions(entries: readonly (readonly [name: string, value: Cell])[]): Html {
  return html`<dl>${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
