/** The task types that write reports. The result of a task has the fields of its report. */
import Type from "typebox";
import { DailyView, WeeklyView } from "../../reports/views.ts";
import { writeReport } from "../../reports/write-report.ts";
import type { ReportKind } from "../../schema/reports.ts";
import type { TaskType } from "./task-type.ts";

const params = Type.Object({
  date: Type.Optional(
    Type.String({
      format: "date",
      description: "A day of the period, in UTC. Absent: the last day or week that has ended.",
      examples: ["2026-11-25"],
    }),
  ),
});

type ReportType = TaskType<typeof params, "none">;

function reportType(
  kind: ReportKind,
  noun: string,
  own: Pick<ReportType, "name" | "description" | "result">,
): ReportType {
  return {
    ...own,
    role: "admin",
    queue: "default",
    params,
    file: "none",
    limits: { timeoutSeconds: 3600 },

    async run(ctx, { params }) {
      const { data, periodStart } = await writeReport(ctx, kind, params);
      return { message: `${noun} ${periodStart}: ${data.total_requests} requests.`, ...data };
    },
  };
}

export const generateDailyReportType = reportType("daily", "Report of", {
  name: "generate_daily_report",
  result: DailyView,
  description: "Writes the report of the API requests of one day.",
});

export const processApiAnalyticsType = reportType("weekly", "Analytics of the week from", {
  name: "process_api_analytics",
  result: WeeklyView,
  description: "Writes the analytics of the API requests, users, imports and tasks of one week.",
});
