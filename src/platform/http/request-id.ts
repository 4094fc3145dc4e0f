/** The id of a request: in its log lines, in the header `x-request-id` of the answer, and in 5xx bodies. */
import { type FastifyInstance, LogController, type RawRequestDefaultExpression } from "fastify";
import { uuidV7 } from "../ids.ts";

export const REQUEST_ID_HEADER = "x-request-id";
/** Excludes characters that could break a log line or a header. */
const ACCEPTABLE = /^[A-Za-z0-9._-]{1,128}$/;

/** For the constructor of Fastify. A client can choose the id, to correlate its own log with Rowmill's. */
export const requestIds = {
  genReqId({ headers }: RawRequestDefaultExpression): string {
    const chosen = headers[REQUEST_ID_HEADER];
    return typeof chosen === "string" && ACCEPTABLE.test(chosen) ? chosen : uuidV7(new Date());
  },
  // Workers log one line per chunk; logging every poll would bury it.
  logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
};

/** Adds the id to every answer. Call it before registering plugins that may answer. */
export function answerRequestId(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id);
  });
}
