/** Mails of reports. A report is shown field by field, so that its fields can change. */
import { type Bar, type Block, bars, button, facts, list, shownNumber } from "../layout/blocks.ts";
import { oneLine } from "../layout/plain.ts";
import type { Links, MailTemplate } from "./kind.ts";

const DATE_LENGTH = 10;
const MAX_SECTIONS = 12;
const REASON = "You get this mail because you are an administrator of";

export const dailyReport: MailTemplate<"daily_report"> = {
  description: "Has the daily report.",
  subscription: () => "report.ready",
  title: ({ report }) => `Daily report ${oneLine(String(report.date ?? ""), 20)}`.trim(),
  blocks: ({ report }, links) => reportBlocks(report, links, ["daily", report.date]),
  reason: REASON,
};

export const weeklyAnalytics: MailTemplate<"weekly_analytics"> = {
  description: "Has the weekly analytics.",
  subscription: () => "report.ready",
  title: ({ report }) => `Weekly analytics ${oneLine(String(report.week_start ?? ""), 20)}`.trim(),
  blocks: ({ report }, links) => reportBlocks(report, links, ["weekly", report.week_start]),
  reason: REASON,
};

type Fields = Readonly<Record<string, unknown>>;

/** The numbers of objects that are shown as bars, by the name of their list; other lists show `requests`. */
const VALUES: Readonly<Record<string, (item: Fields) => unknown>> = {
  slowest_endpoints: ({ response_ms }) => (response_ms as Fields | undefined)?.p95,
  failing_endpoints: ({ failed }) => failed,
};

/** Names that would not say what they mean. */
const LABELS: Readonly<Record<string, string>> = {
  avg_response_ms: "Mean response time (ms)",
  avg_response_time: "Mean response time",
  slowest_endpoints: "Slowest endpoints (p95 in milliseconds)",
  failing_endpoints: "Failed requests by endpoint",
  response_ms: "Response time (milliseconds)",
  unique_ips: "Addresses",
};

/** The report itself has them. The hours of a day are more than a mail shows. */
const LEFT_OUT = new Set(["hours", "is_complete", "unique_ips_counts", "week_over_week"]);

/** Single values first, then numbers by name as bars. */
function reportBlocks(
  report: Fields,
  { home }: Links,
  [kind, start]: readonly [kind: string, start: unknown],
): Block[] {
  const id = `${kind}-${encodeURIComponent(oneLine(String(start), DATE_LENGTH))}`;
  const entries = Object.entries(report)
    .filter(([name]) => !LEFT_OUT.has(name))
    .slice(0, MAX_SECTIONS * 2);
  const singles = entries.flatMap(([name, value]) =>
    typeof value === "number" || typeof value === "string" ? [[labelOf(name), value] as const] : [],
  );
  const sections = entries.flatMap(([name, value]) => {
    const found = barsIn(value, VALUES[name]);
    return found.length > 0 ? [bars(labelOf(name), found)] : [];
  });
  return [
    ...(singles.length > 0 ? [facts(singles)] : []),
    ...changesIn(report.week_over_week),
    ...sections.slice(0, MAX_SECTIONS),
    button("Show the report", `${home}/api/v1/reports/${id}/report.html`),
  ];
}

/** Each number of this week beside that of the week before. */
function changesIn(value: unknown): Block[] {
  const changes = Object.entries(value ?? {}).map(([name, entry]) => {
    const { current, previous, change } = entry as Fields;
    const note = typeof change === "string" ? ` (${change})` : "";
    return `${labelOf(name)}: ${shownNumber(current)}, the week before ${shownNumber(previous)}${note}`;
  });
  return changes.length > 0 ? [list("Week over week", changes)] : [];
}

/** Numbers by name, or a list of objects that have a name and a number. */
function barsIn(value: unknown, numberOf = ({ requests }: Fields): unknown => requests): Bar[] {
  if (typeof value !== "object" || value === null) return [];
  const items: (readonly [label: unknown, value: unknown])[] = Array.isArray(value)
    ? value.map((item: Fields) => [nameOf(item), numberOf(item)])
    : Object.entries(value);
  return items.flatMap(([label, number]) =>
    typeof label === "string" && typeof number === "number" ? [{ label, value: number }] : [],
  );
}

/** A user, an endpoint, or a day. */
function nameOf({ username, user_id, method, route, start }: Fields): unknown {
  if (typeof route === "string") return `${method} ${route}`;
  if (typeof start === "string") return start.slice(0, 10);
  return username ?? `User ${user_id}`;
}

function labelOf(name: string): string {
  const known = LABELS[name];
  if (known !== undefined) return known;
  const words = oneLine(name, 60).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
