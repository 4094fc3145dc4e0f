/** The id of a request: in every log line about it, in the answer's `x-request-id`, and in 5xx bodies. */
import { type FastifyInstance, LogController, type RawRequestDefaultExpression } from "fastify";
import { uuidV7 } from "../ids.ts";

export const REQUEST_ID_HEADER = "x-request-id";
/** Nothing that could break a log line or a header. */
const ACCEPTABLE = /^[A-Za-z0-9._-]{1,128}$/;

/** For the constructor of Fastify. The client may name its request, so that its log and ours can be joined. */
export const requestIds = {
  genReqId({ headers }: RawRequestDefaultExpression): string {
    const given = headers[REQUEST_ID_HEADER];
    return typeof given === "string" && ACCEPTABLE.test(given) ? given : uuidV7(new Date());
  },
  // Workers log one line per chunk; a line per poll would bury it.
  logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
};

/** Register it before every plugin that may answer. */
export function answerRequestId(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id);
  });
}
