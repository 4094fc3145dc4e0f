/** The periods of reports: days, and weeks from Monday to Sunday, in UTC. */
import { invalidField } from "../errors.ts";
import { DAY_MS } from "../platform/durations.ts";
import type { ReportKind } from "../schema/reports.ts";

export interface Period {
  readonly kind: ReportKind;
  /** The first day, such as `2026-11-25`. */
  readonly start: string;
  readonly from: Date;
  /** The end, which does not belong to the period. */
  readonly to: Date;
}

const LENGTH_MS: Readonly<Record<ReportKind, number>> = { daily: DAY_MS, weekly: 7 * DAY_MS };
/** 1970 began on a Thursday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;
const DATE = /^\d{4}-\d\d-\d\d$/;
const REPORT_ID = /^(daily|weekly)-(.*)$/;

/** The period that contains a moment. */
export function periodAt(kind: ReportKind, moment: Date): Period {
  const length = LENGTH_MS[kind];
  const origin = kind === "weekly" ? FIRST_MONDAY_MS : 0;
  const from = new Date(Math.floor((moment.getTime() - origin) / length) * length + origin);
  return { kind, start: dateOf(from), from, to: new Date(from.getTime() + length) };
}

export function periodBefore({ kind, from }: Period): Period {
  return periodAt(kind, new Date(from.getTime() - 1));
}

/** The period that contains a date. @throws DomainError `invalid_input` if the calendar does not have the date */
export function periodOf(kind: ReportKind, date: string): Period {
  if (!isDate(date)) throw invalidField("date", "must be a date such as 2026-11-25.");
  return periodAt(kind, new Date(date));
}

/** JavaScript reads 30 February as 1 March. */
function isDate(text: string): boolean {
  const moment = new Date(text);
  return DATE.test(text) && !Number.isNaN(moment.getTime()) && dateOf(moment) === text;
}

export function dateOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

export function reportIdOf({ kind, start }: Pick<Period, "kind" | "start">): string {
  return `${kind}-${start}`;
}

/** @returns null if no report can have the id */
export function parseReportId(id: string): Pick<Period, "kind" | "start"> | null {
  const [, kind, start = ""] = REPORT_ID.exec(id) ?? [];
  if (!kind || !isDate(start)) return null;
  return { kind: kind as ReportKind, start };
}
