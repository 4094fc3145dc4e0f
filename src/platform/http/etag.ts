/** Versions of what a URL shows, so that a client who has one already is not sent it again (RFC 9110, 13.1.2). */
import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";

/** The same facts always give the same version. */
export function versionOf(facts: unknown): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("base64url").slice(0, 22);
}

/**
 * Answers 304 where the client names this version in `If-None-Match`, else with the body. The tag is a weak one: the
 * same version may be shown in other words, such as with another rate.
 */
export function sendVersion(
  request: FastifyRequest,
  reply: FastifyReply,
  version: string,
  body: unknown,
): FastifyReply {
  reply.header("etag", `W/"${version}"`).header("cache-control", "private, no-cache");
  return hasVersion(request.headers["if-none-match"], version) ? reply.code(304).send() : reply.send(body);
}

/** As RFC 9110 compares for If-None-Match: weakly, any of a list, or `*`. */
export function hasVersion(ifNoneMatch: string | undefined, version: string): boolean {
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes("*") || tags.includes(`"${version}"`);
}

/** For a route's response schemas. */
export const NOT_MODIFIED = {
  304: Type.Null({ description: "Nothing has changed since the version that `If-None-Match` names." }),
};
