import { extname } from "node:path";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { type Context, onReplica } from "../../context.ts";
import { sendDownload } from "../../platform/http/download.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { beginDownload } from "../../request-context.ts";
import { BatchParams } from "../params.ts";
import { getBatch } from "../queries.ts";
import { exportResults } from "./export-results.ts";
import { groupErrors } from "./group-errors.ts";
import { MEDIA_TYPES, RESULT_FORMATS } from "./result-formats.ts";
import { RESULT_FILES } from "./result-ranges.ts";
import { ErrorGroupsView, RESULT_FILE } from "./views.ts";

const ResultParams = Type.Object({
  ...BatchParams.properties,
  file: Type.Enum([...RESULT_FILES], {
    description: "The rows to include. `all` includes rows without a result.",
  }),
  format: Type.Enum([...RESULT_FORMATS], { description: "The format of the file." }),
});

export function batchResultRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["batches"] }, (app, shared) => {
    app.get(
      "/api/v1/batches/:batch_id/results/:file.:format",
      {
        config: { search: "never" },
        schema: {
          ...shared,
          operationId: "downloadBatchResults",
          summary: "Download the results of a batch",
          description:
            "Has the columns of the file, then `_row`, `_status`, `_error_code`, `_error` and `_id`, and `_extra` if rows " +
            "have more cells than the header. `_id` of a record in a table of an application is its key as JSON. Rows are in the order of the file. The encoding is UTF-8, lines end in LF, " +
            "and cells are quoted as in RFC 4180. In CSV, a cell that a spreadsheet would run as a formula begins with `'`; " +
            "uploading the file removes it again. While the batch is running, the file has the results so far. An " +
            "interrupted download is incomplete. The answer is compressed if `Accept-Encoding` allows gzip.",
          params: ResultParams,
          querystring: Type.Object({
            bom: Type.Boolean({
              default: false,
              description: "Begin a CSV with a byte order mark, so that Excel reads it as UTF-8.",
            }),
          }),
          response: { 200: RESULT_FILE, ...problems(400, 401, 404, 409) },
        },
      },
      async (request, reply) => {
        const { batch_id, file, format } = request.params;
        const batch = await getBatch(request.ctx, request.user.id, batch_id);
        const reads = onReplica(request.ctx, batch.finishedAt);
        const { ctx, stream } = await beginDownload(request, reply, reads);
        const text = await exportResults(ctx, batch, {
          file,
          format,
          withBom: request.query.bom,
        });
        return sendDownload(request, reply, {
          filename: `${baseName(batch.filename)}-${file}.${format}`,
          mediaType: MEDIA_TYPES[format],
          text: stream(text),
        });
      },
    );

    app.get(
      "/api/v1/batches/:batch_id/errors",
      {
        config: { search: "always" },
        schema: {
          ...shared,
          operationId: "listBatchErrors",
          summary: "List the errors of a batch",
          description:
            "Groups the errors of all failed rows by code and column, the most frequent first. A row that breaks several " +
            "rules is in several groups, so the counts can add up to more than `failed`.",
          params: BatchParams,
          response: { 200: ErrorGroupsView, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        const batch = await getBatch(ctx, user.id, params.batch_id);
        return groupErrors(onReplica(ctx, batch.finishedAt), batch);
      },
    );
  });
}

/** The filename without its extension and without characters that have a meaning in a path. */
function baseName(filename: string): string {
  const unpacked = filename.replace(/\.gz$/i, "");
  const name = unpacked.slice(0, unpacked.length - extname(unpacked).length);
  return name.replace(/^\.+|[/\\:*?"<>|\p{Cc}\p{Cf}]/gu, "_") || "batch";
}
