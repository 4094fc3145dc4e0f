/** Files in. */
import { createHash } from "node:crypto";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { type Claim, claimKey, type StoredAnswer } from "../../idempotency/claim-key.ts";
import { IdempotencyHeaders, REPLAYED_HEADER, requireSameRequest } from "../../idempotency/replay.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { type UploadedFile, withUploadedFile } from "../../platform/http/upload.ts";
import { BatchView, viewBatch } from "../views.ts";
import { type Received, receiveUpload } from "./receive-upload.ts";
import { optionNames, readUploadOptions, requestHashOf, UploadOptions } from "./upload-options.ts";

const Uploaded = Type.Object({
  ...BatchView.properties,
  replayed: Type.Boolean({
    description: "The same file was uploaded before: this is that batch. `force=true` imports it again.",
  }),
});
type Uploaded = BatchView & { replayed: boolean };

export function uploadRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));

    app.post(
      "/api/v1/batches",
      {
        schema: {
          tags: ["batches"],
          security: SECURITY,
          summary: "Upload a CSV file",
          description:
            "Streams the file into the database and answers 202 when all of it is stored and queued. Any other answer " +
            "means that nothing of it will run. The first line is the header; names match without regard to case, " +
            "spaces and `_`. Rows that break a rule fail by themselves, with a reason; the others go on.\n\n" +
            "Options are query parameters, or form fields of the same names before the file.",
          consumes: ["multipart/form-data"],
          headers: IdempotencyHeaders,
          querystring: UploadOptions,
          response: {
            200: {
              ...answerOf("The same file was uploaded within a day: the batch that it became."),
              headers: {},
            },
            202: answerOf("Stored and queued."),
            ...problems(400, 401, 403, 409, 413, 415, 422),
          },
        },
      },
      (request, reply) =>
        withUploadedFile(
          request,
          reply,
          { maxBytes: ctx.config.uploadMaxBytes, maxBytesName: "UPLOAD_MAX_BYTES", optionNames },
          async (file) => {
            const options = readUploadOptions(request.query, file.fields);
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
    ): Promise<Uploaded> {
      const { ctx } = request;
      const { id: userId, role } = request.user;
      const viewOf = ({ batch, isReplay }: Received): Uploaded => ({
        ...viewBatch(batch, ctx.now()),
        replayed: isReplay,
      });
      const received = await receiveUpload(ctx, {
        ...file,
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
  };
}

function answerOf(description: string) {
  return {
    description,
    headers: {
      Location: { schema: { type: "string" } },
      ...REPLAYED_HEADER,
    },
    content: { "application/json": { schema: Uploaded } },
  };
}

function statusOf({ replayed }: Uploaded): 200 | 202 {
  return replayed ? 200 : 202;
}

function answer(reply: FastifyReply, body: Uploaded): FastifyReply {
  return reply.code(statusOf(body)).header("location", `/api/v1/batches/${body.id}`).send(body);
}

/** The first answer again. @throws DomainError where the key stood for another request */
function replay(reply: FastifyReply, first: StoredAnswer, fingerprint: Buffer): FastifyReply {
  requireSameRequest(first, fingerprint);
  return answer(reply.header("idempotency-replayed", "true"), first.body as Uploaded);
}

async function readRequestHash(file: UploadedFile, options: UploadOptions): Promise<Buffer> {
  const hash = createHash("sha256");
  for await (const bytes of file.file) hash.update(bytes);
  await file.finish();
  return requestHashOf(hash.digest(), options);
}
