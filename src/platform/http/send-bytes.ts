/** Sends bytes that never change under their URL, as a whole or in part (RFC 9110, 13 and 14). */
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { openDownload } from "./bounded-answers.ts";
import { sendProblem } from "./errors.ts";
import { hasVersion } from "./etag.ts";

export interface Sendable {
  readonly mediaType: string;
  readonly bytes: number;
  readonly sha256: Buffer;
  readonly createdAt: Date;
}

/** From `start`, up to but not including `end`. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * Streams all bytes, or the range that the client requests; answers 304 if the client has them already.
 * @param headers headers for caching and for the file name
 */
export async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  { mediaType, bytes, sha256, createdAt }: Sendable,
  read: (start: number, end: number) => AsyncIterable<Buffer>,
  headers: Readonly<Record<string, string>>,
): Promise<FastifyReply> {
  const version = sha256.toString("base64url");
  const validators = { etag: `"${version}"`, "last-modified": createdAt.toUTCString() };
  reply.headers({
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
    // A browser that takes the bytes for a page must not run scripts in it.
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
  });
  if (hasVersion(request.headers["if-none-match"], version))
    return reply
      .code(304)
      .headers({ ...validators, ...headers })
      .send();
  const part = partOf(request, bytes, validators);
  if (part === "outside") {
    reply.headers({ "content-range": `bytes */${bytes}`, "cache-control": "no-store" });
    const detail = `Range: "${request.headers.range}" is outside the file, which has ${bytes} bytes.`;
    return sendProblem(reply, 416, "range_not_satisfiable", detail);
  }
  const { start, end } = part ?? { start: 0, end: bytes };
  if (part) reply.code(206).header("content-range", `bytes ${start}-${end - 1}/${bytes}`);
  reply
    .headers({ ...validators, ...headers })
    .type(mediaType)
    .header("content-length", end - start);
  if (request.method === "HEAD") return reply.send(Readable.from([]));
  const { stream } = await openDownload(request, reply, end - start);
  return reply.send(stream(read(start, end)));
}

/** @returns null for all bytes, also if the client requests several ranges, which a server may ignore */
function partOf(
  { method, headers }: FastifyRequest,
  bytes: number,
  validators: Readonly<Record<string, string>>,
): Part | "outside" | null {
  if (method !== "GET" || headers.range === undefined) return null;
  const condition = headers["if-range"];
  if (condition !== undefined && !Object.values(validators).some((validator) => validator === condition))
    return null;
  return parseRange(headers.range, bytes);
}

/** The package range-parser refuses a suffix that is longer than the file, but RFC 9110 says that it means all bytes. */
function parseRange(header: string, bytes: number): Part | "outside" | null {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header) ?? [];
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), bytes);
    return length === 0 ? "outside" : { start: bytes - length, end: bytes };
  }
  const start = Number(first);
  const end = last === "" ? bytes : Math.min(Number(last) + 1, bytes);
  if (last !== "" && Number(last) < start) return null;
  return start < bytes ? { start, end } : "outside";
}
