/** Text that is made while it is sent, as a file to save. */
import { pipeline, Readable } from "node:stream";
import { constants, createGzip } from "node:zlib";
import { negotiate } from "@fastify/accept-negotiator";
import { create as contentDisposition } from "content-disposition";
import type { FastifyReply, FastifyRequest } from "fastify";

export interface Download {
  readonly filename: string;
  readonly mediaType: string;
  readonly text: AsyncIterable<string>;
}

/** For a route's response headers. */
export const CONTENT_DISPOSITION = {
  "Content-Disposition": { type: "string", description: "The name to save the file under." },
};

/** Compressed where the client takes it. Read no faster than it is sent, and no further when the client goes away. */
export function sendDownload(
  request: FastifyRequest,
  reply: FastifyReply,
  { filename, mediaType, text }: Download,
): FastifyReply {
  reply
    .type(`${mediaType}; charset=utf-8`)
    .header("content-disposition", contentDisposition(filename))
    .header("cache-control", "private, no-store")
    .header("vary", "Accept-Encoding")
    .header("x-content-type-options", "nosniff");
  const source = Readable.from(text);
  const encoding = negotiate(request.headers["accept-encoding"] ?? "identity", ["gzip", "identity"]);
  if (encoding !== "gzip") return reply.send(source);
  // The text comes faster than gzip's usual level takes it.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  // Where one end fails or is closed, so is the other; who sends the reply reports it.
  pipeline(source, gzip, () => {});
  return reply.header("content-encoding", "gzip").send(gzip);
}
