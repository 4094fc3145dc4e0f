/** The settings of the request log, of the reports about it, and of the audit log. */
import Type from "typebox";

const CRON = "^([0-9*,/-]+ ){4}[0-9*,/-]+$";

export const requestLog = {
  REQUEST_LOG: Type.Enum(["on", "off"], {
    default: "on",
    description: "on: log each API request in the database, and report daily and weekly. off: neither.",
  }),
  REQUEST_LOG_ADDRESS: Type.Enum(["full", "network", "none"], {
    default: "full",
    description:
      "Client address in the request log: full; network: its /24 (IPv4) or /48 (IPv6); none: not stored.",
  }),
  REQUEST_LOG_DAYS: Type.Integer({
    default: 30,
    minimum: 8,
    maximum: 36_500,
    description: "Days to keep the request log. Reports stay.",
  }),
  AUDIT_LOG_DAYS: Type.Integer({
    default: 365,
    minimum: 30,
    maximum: 36_500,
    description: "Days to keep the audit log.",
  }),
  DAILY_REPORT_CRON: Type.String({
    default: "5 0 * * *",
    pattern: CRON,
    description: "When to write the report of the day before, as a cron expression in UTC.",
  }),
  WEEKLY_REPORT_CRON: Type.String({
    default: "15 0 * * 1",
    pattern: CRON,
    description:
      "When to write the report of the week before (Monday to Sunday), as a cron expression in UTC.",
  }),
};
