import { createHash } from "node:crypto";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { type Claim, claimKey, type StoredAnswer } from "../../idempotency/claim-key.ts";
import { IdempotencyHeaders, REPLAYED_HEADER, requireSameRequest } from "../../idempotency/replay.ts";
import { problems } from "../../platform/http/errors.ts";
import { charsetOf, leaveBodiesUnread } from "../../platform/http/raw-file.ts";
import {
  declaredBytes,
  fileForm,
  RAW_TABLES,
  rawTable,
  type UploadedFile,
  withUploadedFile,
} from "../../platform/http/upload.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { type UploadedBatchView, viewBatch } from "../views.ts";
import { readUploadOptions, requestHashOf } from "./read-options.ts";
import { type Received, receiveUpload } from "./receive-upload.ts";
import { optionNames, UploadOptions, UploadQuery } from "./upload-options.ts";

export function uploadRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["batches"] }, (app, shared) => {
    leaveBodiesUnread(app);
    app.post(
      "/api/v1/batches",
      {
        config: {
          documentedBody: {
            ...fileForm("The CSV file or Excel workbook, after the other fields.", {
              fields: UploadOptions.properties,
            }),
            ...rawTable(
              "The CSV file itself. `Content-Disposition` can name it.",
              "The Excel workbook itself. `Content-Disposition` can name it.",
            ),
          },
          rawFiles: RAW_TABLES,
        },
        schema: {
          ...shared,
          operationId: "createBatch",
          summary: "Upload a CSV file or an Excel workbook",
          description:
            "Streams the file into the database and returns 202 when the whole file is stored and queued. With any other " +
            "status nothing is imported. Delimiter, header and lines above it are detected; names match without regard to case, spaces and " +
            "`_`. A row that breaks a rule fails alone, with a reason.\n\n" +
            "Of an Excel workbook (.xlsx), one sheet is read; `sheet` names it. Cells become the text that the sheet shows, " +
            "and formulas their last result.\n\n" +
            "Send options as query parameters, or as form fields of the same names before the file. The file can also be " +
            "the body itself: `curl --data-binary @books.csv -H 'content-type: text/csv'`.",
          headers: IdempotencyHeaders,
          querystring: UploadQuery,
          response: {
            200: answerOf("The same file was uploaded within a day. This is its batch."),
            202: answerOf("The file is stored and queued."),
            ...problems(400, 401, 403, 409, 413, 415, 422),
          },
        },
      },
      (request, reply) =>
        withUploadedFile(
          request,
          { maxBytes: ctx.config.uploadMaxBytes, maxBytesName: "UPLOAD_MAX_BYTES", optionNames },
          async (file) => {
            const encoding = charsetOf(request);
            const options = readUploadOptions(
              encoding === undefined ? request.query : { encoding, ...request.query },
              file.fields,
            );
            const key = request.headers["idempotency-key"];
            if (key === undefined) return answer(reply, await upload(request, file, options, null));
            await using claim = await claimKey(request.ctx, request.user.id, key);
            if (claim.answer) return replay(reply, claim.answer, await readRequestHash(file, options));
            return answer(reply, await upload(request, file, options, claim));
          },
        ),
    );

    async function upload(
      request: FastifyRequest,
      file: UploadedFile,
      options: UploadOptions,
      claim: Claim | null,
    ): Promise<UploadedBatchView> {
      const { ctx } = request;
      const { id: userId, role } = request.user;
      const viewOf = ({ batch, isReplay }: Received): UploadedBatchView => ({
        ...viewBatch(batch, ctx),
        replayed: isReplay,
      });
      const received = await receiveUpload(ctx, {
        ...file,
        declaredBytes: declaredBytes(request),
        userId,
        role,
        options,
        onAccepted: async (tx, received, contentHash) => {
          const body = viewOf(received);
          const fingerprint = requestHashOf(contentHash, options);
          await claim?.store(tx, { fingerprint, status: statusOf(body), body });
        },
      });
      return viewOf(received);
    }
  });
}

function answerOf(description: string) {
  return {
    description,
    headers: { Location: { type: "string", description: "The path of the batch." }, ...REPLAYED_HEADER },
    content: { "application/json": { schema: Type.Ref("UploadedBatch") } },
  };
}

function statusOf({ replayed }: UploadedBatchView): 200 | 202 {
  return replayed ? 200 : 202;
}

function answer(reply: FastifyReply, body: UploadedBatchView): FastifyReply {
  return reply.code(statusOf(body)).header("location", `/api/v1/batches/${body.id}`).send(body);
}

/**
 * Sends the answer to the first request again.
 * @throws DomainError `key_reused` if the first request was a different one
 */
function replay(reply: FastifyReply, first: StoredAnswer, fingerprint: Buffer): FastifyReply {
  requireSameRequest(first, fingerprint);
  return answer(reply.header("idempotency-replayed", "true"), first.body as UploadedBatchView);
}

async function readRequestHash(file: UploadedFile, options: UploadOptions): Promise<Buffer> {
  const hash = createHash("sha256");
  for await (const bytes of file.file) hash.update(bytes);
  await file.finish();
  return requestHashOf(hash.digest(), options);
}
