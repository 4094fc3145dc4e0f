/** Guards every request body: its pace, and the memory of bodies that are parsed as a whole. */
import { Transform } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Config } from "../../config/config.ts";
import { BodyMemory, type HeldBytes } from "./body-memory.ts";
import { type ArrivingBody, BodyPace } from "./body-pace.ts";
import { isRawFile } from "./raw-file.ts";
import { requesterOf } from "./requester.ts";

declare module "fastify" {
  interface FastifyInstance {
    readonly bodyMemory: BodyMemory;
  }
  interface FastifyRequest {
    /** null: the request has no body. */
    arrivingBody: ArrivingBody | null;
  }
}

const PARSED_TYPES: ReadonlySet<string> = new Set(["application/json", "application/x-www-form-urlencoded"]);
/** Parsed JSON takes several times the memory of its text. */
const MEMORY_PER_BYTE = 8;
/** Above PICTURE_MAX_BYTES, for the other fields of a form. */
const FORM_BYTES = 2 ** 20;

/** Call it after `limitBodies`, and before any hook that answers, so that the rest of a refused body is also limited. */
export function guardBodies(app: FastifyInstance, config: Config): void {
  const memory = new BodyMemory(config.bodyMemoryBytes);
  memory.fit(config.pictureMaxBytes + FORM_BYTES);
  app.addHook("onRoute", ({ bodyLimit = 0 }) => memory.fit(bodyLimit * MEMORY_PER_BYTE));
  const pace = new BodyPace({
    minBytesPerSecond: config.uploadMinBytesPerSecond,
    timeoutSeconds: config.bodyTimeoutSeconds,
  });
  app.addHook("onClose", async () => pace.close());
  app.decorate("bodyMemory", memory);
  app.decorateRequest("arrivingBody", null);
  app.addHook("onRequest", async (request, reply) => {
    if (!hasBody(request)) return;
    const arriving = pace.watch(request.raw, isUpload(request));
    request.arrivingBody = arriving;
    reply.raw.once("finish", () => arriving.answered());
  });
  app.addHook("preParsing", async (request, reply, payload) => {
    if (!request.arrivingBody || isUpload(request)) return payload;
    // Fastify refuses it without reading it.
    if (declaredBytes(request) > request.routeOptions.bodyLimit) return payload;
    const held = memory.hold(requesterOf(request));
    reply.raw.once("close", () => held.release());
    const guarded = counted(held);
    const { signal } = request.arrivingBody;
    guarded.on("error", () => {}); // Fastify stops listening once it has refused the body.
    signal.addEventListener("abort", () => guarded.destroy(signal.reason), { once: true });
    payload.once("error", (error) => guarded.destroy(error));
    return payload.pipe(guarded);
  });
}

function counted(held: HeldBytes): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        held.add(chunk.length * MEMORY_PER_BYTE);
        done(null, chunk);
      } catch (error) {
        done(error instanceof Error ? error : new Error("Unknown error.", { cause: error }));
      }
    },
  });
}

function hasBody(request: FastifyRequest): boolean {
  return request.headers["transfer-encoding"] !== undefined || declaredBytes(request) > 0;
}

function declaredBytes({ headers }: FastifyRequest): number {
  return Number(headers["content-length"] ?? 0);
}

/** Whether the route streams the body instead of parsing it as a whole. */
export function isUpload(request: FastifyRequest): boolean {
  if (isRawFile(request)) return true;
  const { routeOptions, headers } = request;
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  return !PARSED_TYPES.has(type) && Object.hasOwn(routeOptions.config.documentedBody ?? {}, type);
}
