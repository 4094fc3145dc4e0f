/** For routes that create something in one transaction, once per Idempotency-Key. */
import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { TSchema } from "typebox";
import { inTransaction, type Tx } from "../context.ts";
import { claimKey } from "./claim-key.ts";
import { REPLAYED_HEADER, requireSameRequest } from "./replay.ts";

/**
 * Creates in a transaction, unless the Idempotency-Key of the request was used before.
 * @returns the body of the answer, which may be that of the earlier request
 */
export async function createOnce<B extends object>(
  request: FastifyRequest<{ Headers: { "idempotency-key"?: string } }>,
  reply: FastifyReply,
  create: (tx: Tx) => Promise<B>,
): Promise<B> {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return inTransaction(request.ctx, create);
  const fingerprint = fingerprintOf(request);
  await using claim = await claimKey(request.ctx, request.user.id, key);
  if (claim.answer) {
    requireSameRequest(claim.answer, fingerprint);
    reply.header("idempotency-replayed", "true");
    return claim.answer.body as B;
  }
  return await inTransaction(request.ctx, async (tx) => {
    const body = await create(tx);
    await claim.store(tx, { fingerprint, status: 201, body });
    return body;
  });
}

function fingerprintOf({ routeOptions, params, body }: FastifyRequest): Buffer {
  const parts = [routeOptions.url, ...Object.values(params ?? {}), body];
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}

/** Documents the answer. */
export function createdResponse(description: string, schema: TSchema) {
  return {
    description,
    headers: {
      Location: { type: "string", description: "The path of what was created." },
      ...REPLAYED_HEADER,
    },
    content: { "application/json": { schema } },
  };
}
