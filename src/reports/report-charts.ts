/** The charts of a report. */
import type { Html } from "../platform/html.ts";
import { STATUS_CODES } from "../platform/http/status-codes.ts";
import { barChart } from "./charts/bars.ts";
import { columnChart } from "./charts/columns.ts";
import type { Tone } from "./charts/figure.ts";
import { lineChart } from "./charts/lines.ts";
import { show } from "./charts/table.ts";
import type { DailyView, WeeklyView } from "./views.ts";

type Report = DailyView | WeeklyView;

interface Parts {
  /** The head of their column, and the words of titles. */
  readonly head: string;
  readonly each: string;
  readonly parts: DailyView["hours"];
  readonly labels: readonly string[];
}

function partsOf(report: Report): Parts {
  if ("date" in report)
    return {
      head: "Hour (UTC)",
      each: "hour (UTC)",
      parts: report.hours,
      labels: report.hours.map(({ start }) => start.slice(11, 13)),
    };
  return {
    head: "Day",
    each: "day",
    parts: report.days,
    labels: report.days.map(({ start }) => dayOf(start)),
  };
}

const DAYS = new Intl.DateTimeFormat("en", {
  timeZone: "UTC",
  weekday: "short",
  day: "numeric",
  month: "short",
});

/** `Mon, Nov 16` */
function dayOf(start: string): string {
  return DAYS.format(new Date(start));
}

export function requestChart(report: Report): Html {
  const { head, each, parts, labels } = partsOf(report);
  const columns = parts.map(({ requests, failed }, at) => ({ label: labels[at] ?? "", requests, failed }));
  return columnChart("requests", `Requests per ${each}`, head, columns);
}

const PERCENTILES = [
  ["p50", "plain"],
  ["p95", "warn"],
  ["p99", "bad"],
] as const;

export function timeChart(report: Report): Html {
  const { head, each, parts, labels } = partsOf(report);
  const lines = PERCENTILES.map(([name, tone]) => ({
    name,
    tone,
    // Without requests, and with event streams alone, all percentiles are 0.
    values: parts.map(({ response_ms }) => (response_ms.p99 === 0 ? null : response_ms[name])),
  }));
  return lineChart("times", `Response time per ${each}, in ms`, head, labels, lines);
}

/** Not a status of HTTP: the client disconnected before the answer. */
const CLIENT_DISCONNECTED = "499";

export function statusChart({ statuses }: Report): Html {
  const counts = Object.entries(statuses);
  const groups = counts.map(([status, value]) => ({
    label:
      status === CLIENT_DISCONNECTED ? "499 Client disconnected" : `${status} ${STATUS_CODES[status] ?? ""}`,
    bars: [{ value, tone: toneOfStatus(Number(status)) }],
  }));
  return barChart({
    id: "statuses",
    title: "Answers by status",
    summary: sentenceOf(counts),
    empty: "No requests.",
    groups,
    head: ["Status", "Requests"],
    rows: counts,
  });
}

function toneOfStatus(status: number): Tone {
  if (status >= 500) return "bad";
  return status >= 400 ? "warn" : "good";
}

const TONES: Readonly<Record<string, Tone>> = {
  completed: "good",
  validated: "good",
  completed_with_errors: "warn",
  failed: "bad",
};

export function stateChart(noun: "imports" | "tasks", counts: Readonly<Record<string, number>>): Html {
  const named = Object.entries(counts).map(
    ([state, count]) => [state.replaceAll("_", " "), count, state] as const,
  );
  return barChart({
    id: noun,
    title: noun === "imports" ? "Imports by outcome" : "Tasks by outcome",
    summary: sentenceOf(named),
    empty: `No ${noun} were created.`,
    groups: named.map(([label, value, state]) => ({
      label,
      bars: [{ value, tone: TONES[state] ?? "faint" }],
    })),
    head: ["State", noun === "imports" ? "Imports" : "Tasks"],
    rows: named.map(([label, count]) => [label, count]),
  });
}

const NUMBERS: Readonly<Record<string, string>> = {
  total_requests: "Requests",
  failed_requests: "Failed requests",
  unique_users: "Users",
  avg_response_ms: "Mean response, in ms",
  imports: "Imports",
  tasks: "Tasks",
};

export function changeChart({ week_over_week }: WeeklyView): Html {
  const changes = Object.entries(week_over_week ?? {}).map(([name, change]) => ({
    ...change,
    label: NUMBERS[name] ?? name,
  }));
  return barChart({
    id: "changes",
    title: "Week over week",
    summary: `${changes.map(({ label, current, previous }) => `${label}: ${show(current)}, the week before ${show(previous)}`).join(". ")}.`,
    empty: "The log of the week before was deleted, so there is no comparison.",
    keys: [
      { tone: "plain", name: "This week" },
      { tone: "faint", name: "Week before" },
    ],
    hasOwnScales: true,
    groups: changes.map(({ label, current, previous, change }) => ({
      label,
      bars: [
        { value: current, tone: "plain", ...(change === null ? {} : { note: `(${change})` }) },
        { value: previous, tone: "faint" },
      ],
    })),
    head: ["Number", "This week", "Week before", "Change"],
    rows: changes.map(({ label, current, previous, change }) => [label, current, previous, change ?? "–"]),
  });
}

function sentenceOf(
  counts: readonly (readonly [label: string, count: number, ...rest: unknown[]])[],
): string {
  return `${counts.map(([label, count]) => `${label}: ${show(count)}`).join(", ")}.`;
}
