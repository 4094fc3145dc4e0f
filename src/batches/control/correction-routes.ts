import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { withUploadedFile } from "../../platform/http/upload.ts";
import { BatchParams } from "../routes.ts";
import { viewBatch } from "../views.ts";
import { correctRows } from "./correct-rows.ts";

const Correction = Type.Object({
  corrected: Type.Integer({ description: "Rows whose cells changed." }),
  ignored: Type.Integer({ description: "Rows that had succeeded already." }),
  retried: Type.Integer({ description: "Rows that are put back to work." }),
  batch: Type.Ref("Batch"),
});

export function correctionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));

    app.post(
      "/api/v1/batches/:batch_id/corrections",
      {
        schema: {
          tags: ["batches"],
          security: SECURITY,
          summary: "Upload corrected rows of a batch that has ended",
          description:
            "A results file with its cells mended: rows are found by `_row`, columns by name; a column that is not there " +
            "stays as it is, and the other columns of a results file are ignored. Rows that succeeded are left alone. " +
            "Those that failed are retried; the old cells stay in each row's history.",
          consumes: ["multipart/form-data"],
          params: BatchParams,
          querystring: Type.Object({
            unprocessed: Type.Boolean({
              default: false,
              description: "Also go on with the rows that were left when the batch ended.",
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
          reply,
          { maxBytes: ctx.config.uploadMaxBytes, maxBytesName: "UPLOAD_MAX_BYTES" },
          (file) => correctRows(ctx, { ...file, userId, batchId, unprocessed }),
        );
        return reply.code(202).send({ ...counts, batch: viewBatch(batch, ctx.now()) });
      },
    );
  };
}
