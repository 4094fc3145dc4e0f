/** Entity tags: a client that has the current version gets 304 instead of the body (RFC 9110, 13.1.2). */
import { hash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";

/** Returns a hash of `facts`, so that equal facts have the same version. */
export function versionOf(facts: unknown): string {
  return hash("sha256", JSON.stringify(facts), "base64url").slice(0, 22);
}

/**
 * Answers 304 if `If-None-Match` names this version, otherwise with the body. The tag is weak, because two bodies of one
 * version may differ, for example in the rate of rows per second.
 */
export function sendVersion(
  request: FastifyRequest,
  reply: FastifyReply,
  version: string,
  body: unknown,
): FastifyReply {
  reply.header("etag", `W/"${version}"`).header("cache-control", "no-store");
  return hasVersion(request.headers["if-none-match"], version) ? reply.code(304).send() : reply.send(body);
}

/** Compares as RFC 9110 requires for If-None-Match: weakly, with any tag of a list, or with `*`. */
export function hasVersion(ifNoneMatch: string | undefined, version: string): boolean {
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(`"${version}"`);
}

/** For the response schemas of a route. */
export const NOT_MODIFIED = {
  304: Type.Null({ description: "Nothing has changed since the version that `If-None-Match` names." }),
};
