/** Reports of the use of the API, one per kind and period. */
import { date, json, primaryKey } from "drizzle-orm/pg-core";
import { moment, rowmill } from "./columns.ts";

export const reportKind = rowmill.enum("report_kind", ["daily", "weekly"]);

export type ReportKind = (typeof reportKind.enumValues)[number];

export const reports = rowmill.table(
  "reports",
  {
    kind: reportKind("kind").notNull(),
    /** A day in UTC; for a week, its Monday. */
    periodStart: date("period_start").notNull(),
    /** The report, as clients get it. `json` keeps the order of names. */
    data: json("data").$type<Record<string, unknown>>().notNull(),
    createdAt: moment("created_at").notNull(),
    /** When the report was announced to admins: once, however often it is written again. */
    announcedAt: moment("announced_at"),
  },
  (t) => [primaryKey({ columns: [t.kind, t.periodStart] })],
);
