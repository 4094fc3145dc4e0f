/** Reads a file that is the whole body of a request, and refuses other bodies with a Content-Encoding. */
import { parse as parseDisposition } from "content-disposition";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { DomainError } from "../../errors.ts";
import { CODINGS, inflate } from "../inflate.ts";
import { untilEnd } from "./body-pace.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The media types of a body that is the file itself. */
    readonly rawFiles?: readonly string[];
  }
}

/** Leaves bodies of any type unread, so that a route can stream them or say what it expects. Call it within a plugin. */
export function leaveBodiesUnread(app: FastifyInstance): void {
  app.addContentTypeParser("*", (_request, _body, done) => done(null));
}

/** Whether the body of a request is a file itself, and not a form with a file. */
export function isRawFile({ headers, routeOptions }: FastifyRequest): boolean {
  const [mediaType = ""] = (headers["content-type"] ?? "").toLowerCase().split(";");
  return routeOptions.config.rawFiles?.includes(mediaType.trim()) ?? false;
}

/** @returns the parameter `charset` of Content-Type */
export function charsetOf({ headers }: FastifyRequest): string | undefined {
  return /;\s*charset="?([^\s;"]+)/i.exec(headers["content-type"] ?? "")?.[1];
}

interface RawFile {
  /** Without folders; empty if the client sent no name. */
  readonly filename: string;
  readonly file: AsyncIterable<Uint8Array>;
  readonly isCutOff: () => boolean;
}

/** @param tooLarge makes the error for a body that exceeds `maxBytes` */
export function openRawFile(
  request: FastifyRequest,
  limits: { readonly maxBytes: number; readonly maxBytesName: string },
  tooLarge: () => DomainError,
): RawFile {
  let isCutOff = false;
  async function* limited(): AsyncGenerator<Buffer> {
    let length = 0;
    // The answer to a refused file needs the connection.
    const body = request.raw.iterator({ destroyOnReturn: false });
    try {
      for await (const bytes of untilEnd(body, request.arrivingBody?.signal)) {
        length += bytes.length;
        isCutOff = length > limits.maxBytes;
        if (isCutOff) throw tooLarge();
        yield bytes;
      }
    } finally {
      // Lets go of the body, so that the rest of it can be read on and the connection used again.
      void body.return?.();
    }
  }
  const coding = codingOf(request);
  return {
    filename: filenameOf(request.headers["content-disposition"]),
    file: coding === undefined ? limited() : inflate(limited(), coding, limits),
    isCutOff: () => isCutOff,
  };
}

function filenameOf(disposition: string | undefined): string {
  try {
    const { filename } = parseDisposition(disposition ?? "").parameters;
    return filename?.split(/[/\\]/).at(-1) ?? "";
  } catch {
    return "";
  }
}

function codingOf({ headers }: FastifyRequest): string | undefined {
  const coding = headers["content-encoding"]?.trim().toLowerCase();
  return coding === "identity" || coding === "" ? undefined : coding;
}

/** Without this, a compressed body would be refused as invalid JSON or a broken form. */
export function refuseEncodedBodies(app: FastifyInstance): void {
  app.addHook("preParsing", async (request: FastifyRequest, reply: FastifyReply) => {
    const coding = codingOf(request);
    if (coding === undefined) return;
    const isRaw = isRawFile(request);
    if (isRaw && CODINGS.includes(coding)) return;
    // RFC 9110, 15.5.16: tells the client what it can send instead.
    reply.header("accept-encoding", isRaw ? CODINGS.join(", ") : "identity");
    const hint = isRaw
      ? `Use ${CODINGS.join(", ")}, or send the file uncompressed.`
      : "Send it uncompressed.";
    const message = `The body has \`Content-Encoding: ${coding.slice(0, 50)}\`, which is not supported here. ${hint}`;
    throw new DomainError("unsupported_media_type", message);
  });
}
