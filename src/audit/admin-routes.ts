/** The audit log, for administrators. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { CONTENT_DISPOSITION, sendDownload } from "../platform/http/download.ts";
import { problems } from "../platform/http/errors.ts";
import { decodeNumberCursor, Page, PageQuery, pageOf } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { beginDownload } from "../request-context.ts";
import { EXPORT_FORMATS, exportEntries, MEDIA_TYPES } from "./export-entries.ts";
import { auditFilterFields, readAuditFilter } from "./filter.ts";
import { listEntries } from "./queries.ts";
import { recordEvent } from "./record-audit.ts";
import { AuditEntryView, viewEntry } from "./views.ts";

const FILE = {
  description: "The file.",
  headers: CONTENT_DISPOSITION,
  content: {
    [MEDIA_TYPES.csv]: {
      schema: Type.String({
        examples: [
          "id,at,actor_id,actor,actor_role,action,subject_type,subject_id,owner_id,request_id,address,details\n" +
            "812,2026-11-25T08:00:00.000Z,1,ada,admin,queue.paused,queue,default,,req-1f,203.0.113.7,{}\n",
        ],
      }),
    },
    [MEDIA_TYPES.ndjson]: {
      schema: Type.String({
        description: "One entry per line, as in the list.",
        examples: ['{"id":812,"at":"2026-11-25T08:00:00.000Z","actor_id":1,"actor":"ada"}\n'],
      }),
    },
  },
};

export function auditRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/audit",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listAuditEntries",
          summary: "List the audit log",
          description:
            "Who did what to whose things, newest first: changes by operators and admins, sign-ins, deletions, and changes of " +
            "passwords, roles and tokens. Entries are never changed, and are kept for AUDIT_LOG_DAYS.",
          querystring: Type.Object({ ...auditFilterFields, ...PageQuery }),
          response: { 200: Page(AuditEntryView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const page = { before: decodeNumberCursor(query.cursor), limit: query.limit };
        return pageOf(await listEntries(ctx, readAuditFilter(query), page), ({ id }) => id, viewEntry);
      },
    );

    app.get(
      "/api/v1/admin/audit/export.:format",
      {
        config: { search: "never" },
        schema: {
          ...shared,
          operationId: "exportAuditEntries",
          summary: "Export the audit log",
          description:
            "Streams all matching entries, newest first. In CSV, `details` is JSON, and a cell that a spreadsheet would run as " +
            "a formula begins with `'`. An interrupted download is incomplete. The export itself becomes an entry.",
          params: Type.Object({
            format: Type.Enum([...EXPORT_FORMATS], { description: "The format of the file." }),
          }),
          querystring: Type.Object(auditFilterFields),
          response: { 200: FILE, ...problems(400, 401, 403) },
        },
      },
      async (request, reply) => {
        const { query, params } = request;
        const { format } = params;
        const filter = readAuditFilter(query);
        const { ctx, stream } = await beginDownload(request, reply);
        if (request.method !== "HEAD") {
          const subject = { type: "audit_log", id: "*" };
          await recordEvent(request.ctx, { action: "audit.exported", subject, details: { format, filter } });
        }
        return sendDownload(request, reply, {
          filename: `audit-${ctx.now().toISOString().slice(0, 10)}.${format}`,
          mediaType: MEDIA_TYPES[format],
          text: stream(exportEntries(ctx, filter, format)),
        });
      },
    );
  });
}
