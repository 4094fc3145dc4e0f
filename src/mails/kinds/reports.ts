/** Mails of reports. A report is shown field by field, so that its fields can change. */
import { type Bar, type Block, bars, button, facts } from "../layout/blocks.ts";
import { oneLine } from "../layout/plain.ts";
import type { Links, MailTemplate } from "./kind.ts";

const MAX_SECTIONS = 20;
const REASON = "You get this mail because you are an administrator of";

export const dailyReport: MailTemplate<"daily_report"> = {
  description: "Has the daily report.",
  subscription: () => "report.ready",
  title: ({ report }) => `Daily report ${oneLine(String(report.date ?? ""), 20)}`.trim(),
  blocks: ({ report }, links) => reportBlocks(report, links),
  reason: REASON,
};

export const weeklyAnalytics: MailTemplate<"weekly_analytics"> = {
  description: "Has the weekly analytics.",
  subscription: () => "report.ready",
  title: ({ report }) =>
    `Weekly analytics ${oneLine(String(report.week_start ?? report.date ?? ""), 20)}`.trim(),
  blocks: ({ report }, links) => reportBlocks(report, links),
  reason: REASON,
};

type Scalar = string | number | boolean | null;

/** Single values first, then numbers by name as bars. Other values are left out: the report itself has them. */
function reportBlocks(report: Readonly<Record<string, unknown>>, { home }: Links): Block[] {
  const entries = Object.entries(report).slice(0, MAX_SECTIONS * 2);
  const singles = entries.flatMap(([name, value]) =>
    isScalar(value) && value !== null
      ? [[labelOf(name), typeof value === "number" ? value : String(value)] as const]
      : [],
  );
  const sections = entries.flatMap(([name, value]) => {
    const found = barsIn(value);
    return found.length > 0 ? [bars(labelOf(name), found)] : [];
  });
  return [
    ...(singles.length > 0 ? [facts(singles)] : []),
    ...sections.slice(0, MAX_SECTIONS),
    button("Show all reports", `${home}/api/v1/reports`),
  ];
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** Numbers by name, or a list of objects that have a name and a number. */
function barsIn(value: unknown): Bar[] {
  if (typeof value !== "object" || value === null) return [];
  if (!Array.isArray(value))
    return Object.entries(value).flatMap(([label, number]) =>
      typeof number === "number" ? [{ label, value: number }] : [],
    );
  return value.flatMap((item: unknown) => {
    const parts = Object.values((item ?? {}) as object) as unknown[];
    const label = parts.find((part) => typeof part === "string");
    const number = parts.find((part) => typeof part === "number");
    return typeof label === "string" && typeof number === "number" ? [{ label, value: number }] : [];
  });
}

function labelOf(name: string): string {
  const words = oneLine(name, 60).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
