/** Answers that are bytes which never change under their URL. */
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";

export interface Sendable {
  readonly mediaType: string;
  readonly bytes: number;
  readonly sha256: Buffer;
  readonly createdAt: Date;
}

/** Sends what `read` gives as it comes, or 304 where the client has it already. */
export function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  { mediaType, bytes, sha256, createdAt }: Sendable,
  read: () => AsyncIterable<Buffer>,
): FastifyReply {
  const etag = `"${sha256.toString("base64url")}"`;
  reply.headers({
    etag,
    "last-modified": createdAt.toUTCString(),
    // A day, so that what was removed is soon gone from caches too.
    "cache-control": "public, max-age=86400, immutable",
    "x-content-type-options": "nosniff",
    // Shown on other sites' pages, as any picture; but never run, should a browser take it for a page.
    "cross-origin-resource-policy": "cross-origin",
    "content-security-policy": "default-src 'none'; sandbox",
  });
  if (matches(request.headers["if-none-match"], etag)) return reply.code(304).send();
  reply.type(mediaType).header("content-length", bytes);
  return reply.send(request.method === "HEAD" ? Readable.from([]) : Readable.from(read()));
}

/** As RFC 9110 compares for If-None-Match: weakly, any of a list, or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  const given = header?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return given.includes(etag) || given.includes("*");
}
