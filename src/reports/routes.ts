import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { htmlPage, sendPage } from "../platform/http/pages.ts";
import { decodeCursor, notACursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { reportKind } from "../schema/reports.ts";
import { parseReportId, reportIdOf } from "./periods.ts";
import { getReport, listReports } from "./queries.ts";
import { reportCsv } from "./report-csv.ts";
import { reportPage } from "./report-page.ts";
import { type DailyView, ListedReportView, viewListed, viewReport, type WeeklyView } from "./views.ts";
import { writeReport } from "./write-report.ts";

const KINDS = [...reportKind.enumValues];

const Params = Type.Object({
  report_id: Type.String({
    pattern: "^(daily|weekly)-\\d{4}-\\d\\d-\\d\\d$",
    description: "The id of the report: its kind and its first day.",
    examples: ["daily-2026-11-25"],
  }),
});

const FORMATS = ["csv", "html"] as const;

const NewReport = Type.Object({
  kind: Type.Enum(KINDS, { description: "daily: one day. weekly: Monday to Sunday." }),
  date: Type.Optional(
    Type.String({
      format: "date",
      description: "A day of the period, in UTC. Absent: the last day or week that has ended.",
      examples: ["2026-11-25"],
    }),
  ),
});

const FILE = {
  description: "The file.",
  content: {
    "text/csv": {
      schema: Type.String({
        examples: ["section,item,field,value\nreport,,date,2026-11-25\nreport,,total_requests,145\n"],
      }),
    },
    ...htmlPage("The file.").content,
  },
};

export function reportRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["reports"], roles: ["operator", "admin"] }, (app, shared) => {
    app.post(
      "/api/v1/reports",
      {
        schema: {
          ...shared,
          operationId: "createReport",
          summary: "Create a report",
          description:
            "Writes the report of a day or a week from the request log, and replaces an earlier one. Rowmill also writes both " +
            "kinds on a schedule. The period must have started, and the request log must still have all of it. For a log of many " +
            "millions of requests, which takes longer than a minute, create a task of type `generate_daily_report` or " +
            "`process_api_analytics` instead.",
          body: NewReport,
          response: { 201: Type.Ref("Report"), ...problems(400, 401, 403, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        const report = await writeReport(ctx, body.kind, { date: body.date, isRequest: true });
        return reply.code(201).send(viewReport(report));
      },
    );

    app.get(
      "/api/v1/reports",
      {
        config: { search: "never", mayLag: true },
        schema: {
          ...shared,
          operationId: "listReports",
          summary: "List reports",
          description: "The latest period first.",
          querystring: Type.Object({
            kind: Type.Optional(Type.Enum(KINDS, { description: "Only reports of this kind." })),
            ...PageQuery,
          }),
          response: { 200: Page(ListedReportView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query: { kind, cursor, limit } }) => {
        const after = cursor === undefined ? null : parseReportId(decodeCursor(cursor));
        if (cursor !== undefined && after === null) throw notACursor();
        const found = await listReports(ctx, { kind, limit, after });
        const key = ({ kind, periodStart: start }: (typeof found.items)[number]) =>
          reportIdOf({ kind, start });
        return pageOf(found, key, viewListed);
      },
    );

    app.get(
      "/api/v1/reports/:report_id",
      {
        schema: {
          ...shared,
          operationId: "getReport",
          summary: "Get a report",
          description: "Returns the report as JSON.",
          params: Params,
          response: { 200: Type.Ref("Report"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => viewReport(await getReport(ctx, params.report_id)),
    );

    app.get(
      "/api/v1/reports/:report_id/report.:format",
      {
        schema: {
          ...shared,
          operationId: "downloadReport",
          summary: "Download a report",
          description:
            "CSV has one line per value, with the columns `section`, `item`, `field` and `value`; a cell that a spreadsheet would " +
            "run as a formula begins with `'`. HTML is a page with charts and their figures, without scripts and without content of other servers.",
          params: Type.Object({
            ...Params.properties,
            format: Type.Enum([...FORMATS], { description: "The format of the file." }),
          }),
          response: { 200: FILE, ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }, reply) => {
        const { data } = await getReport(ctx, params.report_id);
        if (params.format === "csv") {
          const disposition = `attachment; filename="${params.report_id}.csv"`;
          return reply
            .type("text/csv; charset=utf-8")
            .header("content-disposition", disposition)
            .send(reportCsv(data));
        }
        return sendPage(reply, 200, reportPage(data as DailyView | WeeklyView));
      },
    );
  });
}
