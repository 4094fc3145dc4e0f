import type { FastifyRequest } from "fastify";
import Value from "typebox/value";
import type { StoredBatch } from "../../batches/queries.ts";
import { receiveUpload } from "../../batches/receive/receive-upload.ts";
import { UploadOptions } from "../../batches/receive/upload-options.ts";
import { declaredBytes, withUploadedFile } from "../../platform/http/upload.ts";
import type { Caller } from "../../schema/accounts.ts";

/** Receives a CSV file as the replaced services did: a repeated upload is a new batch, and every row a new record. */
export async function receiveLegacyUpload(
  request: FastifyRequest,
  { id: userId, role }: Pick<Caller, "id" | "role">,
  target: string,
): Promise<StoredBatch> {
  const { ctx } = request;
  const given = { target, mode: "append", force: true, header: true };
  const options = Value.Default(UploadOptions, given) as UploadOptions;
  const rules = { maxBytes: ctx.config.uploadMaxBytes, maxBytesName: "UPLOAD_MAX_BYTES" };
  const { batch } = await withUploadedFile(request, rules, (uploaded) =>
    receiveUpload(ctx, { ...uploaded, userId, role, options, declaredBytes: declaredBytes(request) }),
  );
  return batch;
}
