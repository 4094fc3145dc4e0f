/** A report as a page that loads nothing and runs no script. */
import { type Html, html } from "../platform/html.ts";
import type { Page } from "../platform/http/pages.ts";
import { CHART_STYLE } from "./charts/figure.ts";
import { type Cell, type Row, show, table } from "./charts/table.ts";
import { changeChart, requestChart, stateChart, statusChart, timeChart } from "./report-charts.ts";
import type { DailyView, WeeklyView } from "./views.ts";

const STYLE = `
body { max-width: 760px; margin: 2rem auto 4rem; padding: 0 1rem; color: #1d2329; background: #fff; font-size: 15px; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
.note { border-left: .25rem solid var(--warn); padding-left: .75rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; }
dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.3rem; }
body > .empty { margin-top: 2rem; } .table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--grid); } thead th { color: var(--soft); font-weight: normal; vertical-align: bottom; }
th:first-child { text-align: left; overflow-wrap: anywhere; } tbody th { font-weight: normal; min-width: 8rem; }
@media (prefers-color-scheme: dark) { body { color: #dde2e7; background: #16191d; } }
${CHART_STYLE}`;

export function reportPage(data: DailyView | WeeklyView): Page {
  const isDay = "date" in data;
  const title = isDay
    ? `Daily report: ${data.date}`
    : `Weekly report: ${data.week_start} to ${data.week_end}`;
  const content = html`
${notes(data)}
${facts(data)}
${data.total_requests === 0 ? html`<p class="empty">No requests in this period.</p>` : [requestChart(data), timeChart(data), statusChart(data)]}
${isDay ? "" : changeChart(data)}
${stateChart("imports", data.imports)}
${stateChart("tasks", data.tasks)}
${data.total_requests === 0 ? "" : endpointsOf(data)}
${users(data)}
`;
  return { title, content, style: STYLE };
}

function notes({ is_complete, missing_requests }: DailyView | WeeklyView): Html[] {
  return [
    ...(is_complete
      ? []
      : [html`<p class="note">This period had not ended when the report was written.</p>`]),
    ...(missing_requests > 0
      ? [html`<p class="note">The log lacks ${show(missing_requests)} requests.</p>`]
      : []),
  ];
}

function facts(data: DailyView | WeeklyView): Html {
  const { total_requests, response_ms, unique_ips_counts } = data;
  const addresses = { addresses: "Addresses", networks: "Networks", nothing: "Addresses" };
  // Without requests, a success rate of 0 % would look like a failure.
  const measured = (value: string) => (total_requests === 0 ? "–" : value);
  return definitions([
    ["Requests", total_requests],
    ["Failed", data.failed_requests],
    ["Success rate", measured(data.success_rate)],
    ["Users", data.unique_users],
    [addresses[unique_ips_counts], unique_ips_counts === "nothing" ? "not logged" : data.unique_ips],
    ["Mean response", measured(data.avg_response_time)],
    ["p95", measured(`${show(response_ms.p95)} ms`)],
    ["p99", measured(`${show(response_ms.p99)} ms`)],
  ]);
}

function endpointsOf(data: DailyView | WeeklyView): Html[] {
  return [
    section("Most used paths", ["Path", "Requests"], Object.entries(data.top_endpoints)),
    endpoints("Slowest endpoints", data.slowest_endpoints),
    ...("date" in data
      ? []
      : [
          endpoints("Failing endpoints", data.failing_endpoints),
          endpoints("Most used endpoints", data.endpoints),
        ]),
  ];
}

function users(data: DailyView | WeeklyView): Html[] {
  const rows = data.top_users.map(({ user_id, username, requests, failed }) => [
    username ?? `#${user_id} (deleted)`,
    requests,
    failed,
  ]);
  const top = rows.length === 0 ? [] : [section("Most active users", ["User", "Requests", "Failed"], rows)];
  if ("date" in data) return top;
  const { active, created, total } = data.users;
  const counts = definitions([
    ["Active", active],
    ["Created", created],
    ["Total", total],
  ]);
  return [html`<h2>Users</h2>${counts}`, ...top];
}

function endpoints(title: string, found: DailyView["slowest_endpoints"]): Html {
  const rows = found.map(({ method, route, requests, error_rate, response_ms: { p50, p95, p99 } }) => [
    `${method} ${route}`,
    requests,
    error_rate,
    p50,
    p95,
    p99,
  ]);
  return section(title, ["Endpoint", "Requests", "Errors", "p50 ms", "p95 ms", "p99 ms"], rows);
}

function section(title: string, head: readonly string[], rows: readonly Row[]): Html {
  return html`<h2>${title}</h2>${rows.length === 0 ? html`<p class="empty">None.</p>` : table(head, rows)}`;
}

function definitions(entries: readonly (readonly [name: string, value: Cell])[]): Html {
  return html`<dl>${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${show(value)}</dd></div>`)}</dl>`;
}
