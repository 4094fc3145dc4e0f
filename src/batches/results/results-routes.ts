import { extname } from "node:path";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { sendDownload } from "../../platform/http/download.ts";
import { problems } from "../../platform/http/errors.ts";
import { Uuid } from "../../platform/http/schemas.ts";
import { getBatch } from "../queries.ts";
import { RowStatus } from "../views.ts";
import { exportResults, RESULT_FILES } from "./export-results.ts";
import { ErrorGroupsView, groupErrors } from "./group-errors.ts";
import { MEDIA_TYPES, RESULT_FORMATS } from "./result-formats.ts";

const ResultParams = Type.Object({
  batch_id: Uuid,
  file: Type.Enum([...RESULT_FILES], {
    description: "Which rows. `all`: also those that are still to be processed.",
  }),
  format: Type.Enum([...RESULT_FORMATS]),
});

const ResultRowView = Type.Object(
  {
    _row: Type.Integer({ description: "As a spreadsheet shows it." }),
    _status: RowStatus,
    _error_code: Type.Union([Type.String(), Type.Null()]),
    _error: Type.Union([Type.String(), Type.Null()], { description: "Every broken rule, in words." }),
    _id: Type.Union([Type.Integer(), Type.Null()], { description: "The record that the row became." }),
    _extra: Type.Optional(
      Type.Array(Type.String(), { description: "Cells beyond the header; absent where there are none." }),
    ),
  },
  {
    additionalProperties: Type.Union([Type.String(), Type.Integer(), Type.Null(), Type.Array(Type.String())]),
    description: "The file's own columns in their order, then these.",
  },
);

const CSV_EXAMPLE = `Title,Book Author,_row,_status,_error_code,_error,_id
,Nobody,3,failed,required,title is required,
`;
const JSON_EXAMPLE = {
  Title: "",
  "Book Author": "Nobody",
  _row: 3,
  _status: "failed",
  _error_code: "required",
  _error: "title is required",
  _id: null,
};

const RESULT_FILE = {
  description: "The file, streamed.",
  headers: { "Content-Disposition": { schema: { type: "string" } } },
  content: {
    [MEDIA_TYPES.csv]: { schema: Type.String({ examples: [CSV_EXAMPLE] }) },
    [MEDIA_TYPES.json]: { schema: Type.Array(ResultRowView, { examples: [[JSON_EXAMPLE]] }) },
    [MEDIA_TYPES.ndjson]: {
      schema: Type.String({
        description: "An object a line, as in the JSON file.",
        examples: [`${JSON.stringify(JSON_EXAMPLE)}\n`],
      }),
    },
  },
};

export function resultRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["batches"], security: SECURITY };

    app.get(
      "/api/v1/batches/:batch_id/results/:file.:format",
      {
        // A HEAD would read all of it only to throw it away.
        exposeHeadRoute: false,
        schema: {
          ...shared,
          summary: "What came of a batch's rows, as a file",
          description:
            "The file's own columns, then `_row`, `_status`, `_error_code`, `_error` and `_id`, in source order, and " +
            "`_extra` where rows have more cells than the header. UTF-8, lines end in LF, quoted as in RFC 4180. In CSV, a " +
            "cell that a spreadsheet would run as a formula gets a `'` in front, which is taken off again when the file is " +
            "uploaded. Of a batch that is running it holds what is so when it is read. A transfer that breaks " +
            "off is not whole. Sent with gzip where `Accept-Encoding` allows it.",
          params: ResultParams,
          querystring: Type.Object({
            bom: Type.Boolean({
              default: false,
              description: "Begin a CSV with a byte order mark, by which Excel knows UTF-8.",
            }),
          }),
          response: { 200: RESULT_FILE, ...problems(400, 401, 404, 409) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const { batch_id, file, format } = request.params;
        const batch = await getBatch(ctx, request.user.id, batch_id);
        const text = await exportResults(ctx, batch, { file, format, withMark: request.query.bom });
        return sendDownload(request, reply, {
          filename: `${baseName(batch.filename)}-${file}.${format}`,
          mediaType: MEDIA_TYPES[format],
          text,
        });
      },
    );

    app.get(
      "/api/v1/batches/:batch_id/errors",
      {
        schema: {
          ...shared,
          summary: "Why rows failed, grouped",
          description:
            "All errors of all failed rows, by code and column, the most frequent first. A row that breaks several rules " +
            "is in several groups, so that their counts may add up to more than `failed`.",
          params: Type.Object({ batch_id: Uuid }),
          response: { 200: ErrorGroupsView, ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => groupErrors(ctx, await getBatch(ctx, user.id, params.batch_id)),
    );
  };
}

/** Without its extension, and without what a file system takes for something else. */
function baseName(filename: string): string {
  const name = filename.slice(0, filename.length - extname(filename).length);
  return name.replace(/^\.+|[/\\:*?"<>|\p{Cc}\p{Cf}]/gu, "_") || "batch";
}
