import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { problems } from "../../platform/http/errors.ts";
import { fileForm, withUploadedFile } from "../../platform/http/upload.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { BatchParams } from "../params.ts";
import { viewBatch } from "../views.ts";
import { correctRows } from "./correct-rows.ts";

const Correction = Type.Object(
  {
    corrected: Type.Integer({ description: "Rows with changed cells." }),
    ignored: Type.Integer({ description: "Rows that had already succeeded." }),
    retried: Type.Integer({ description: "Rows that are processed again." }),
    batch: Type.Ref("Batch"),
  },
  { description: "The corrections are stored." },
);

export function batchCorrectionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["batches"] }, (app, shared) => {
    app.post(
      "/api/v1/batches/:batch_id/corrections",
      {
        config: {
          documentedBody: fileForm("A result file of the batch, as CSV or as an Excel workbook.", {
            examples: ["_row,Title,Book Author\n3,Emma,Jane Austen\n"],
          }),
        },
        schema: {
          ...shared,
          operationId: "correctBatch",
          summary: "Upload corrected rows",
          description:
            "For a batch that has ended. Send a result file with corrected cells: rows are matched by `_row`, columns by " +
            "name. Missing columns stay unchanged, and the other columns of a result file are ignored. Successful rows " +
            "are skipped. Failed rows are retried, and their history keeps the old cells. Of an Excel workbook, the first sheet that " +
            "is not hidden is read.",
          params: BatchParams,
          querystring: Type.Object({
            unprocessed: Type.Boolean({
              default: false,
              description: "Retry the unprocessed rows as well.",
            }),
          }),
          response: { 202: Correction, ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async (request, reply) => {
        const { ctx } = request;
        const userId = request.user.id;
        const batchId = request.params.batch_id;
        const { unprocessed } = request.query;
        const { batch, ...counts } = await withUploadedFile(
          request,
          { maxBytes: ctx.config.uploadMaxBytes, maxBytesName: "UPLOAD_MAX_BYTES", optionNames: [] },
          (file) => correctRows(ctx, { ...file, userId, batchId, unprocessed }),
        );
        return reply.code(202).send({ ...counts, batch: viewBatch(batch, ctx) });
      },
    );
  });
}
