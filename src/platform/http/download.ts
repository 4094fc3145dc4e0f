/** Sends generated text as a file to save. */
import { pipeline, Readable } from "node:stream";
import { constants, createGzip } from "node:zlib";
import { negotiate } from "@fastify/accept-negotiator";
import { create as contentDisposition } from "content-disposition";
import type { FastifyReply, FastifyRequest } from "fastify";

export interface Download {
  readonly filename: string;
  readonly mediaType: string;
  readonly text: Readable;
}

/** For the response headers of a route. */
export const CONTENT_DISPOSITION = {
  "Content-Disposition": { type: "string", description: "The name to save the file under." },
};

/** Sends the text, gzipped if the client accepts it. */
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
  const encoding = negotiate(request.headers["accept-encoding"] ?? "identity", ["gzip", "identity"]);
  if (encoding === "gzip") reply.header("content-encoding", "gzip");
  // Fastify would read the whole file and discard it.
  const source = request.method === "HEAD" ? Readable.from([]) : text;
  if (encoding !== "gzip" || request.method === "HEAD") return reply.send(source);
  // The text is generated faster than the default level of gzip could compress it.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  // `pipeline` closes both ends if one fails. Fastify reports the error.
  pipeline(source, gzip, () => {});
  return reply.send(gzip);
}
