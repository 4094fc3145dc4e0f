import underPressure from "@fastify/under-pressure";
import type { FastifyInstance } from "fastify";

/** The first samples of the event loop delay measure the start of the program, not load. */
const START_UP_SAMPLES_MS = 2500;
const MAX_EVENT_LOOP_DELAY_MS = 2000;
const RETRY_AFTER_SECONDS = 5;

class Overloaded extends Error {
  readonly statusCode = 503;
}

/** Answers 503 while the event loop lags, so that running requests can end. */
export async function refuseWhenOverloaded(app: FastifyInstance): Promise<void> {
  let isStarting = true;
  app.addHook("onReady", async () => {
    setTimeout(() => {
      isStarting = false;
    }, START_UP_SAMPLES_MS).unref();
  });
  await app.register(underPressure, {
    maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
    pressureHandler(_request, reply) {
      if (!isStarting) reply.header("retry-after", RETRY_AFTER_SECONDS).send(new Overloaded("overloaded"));
    },
  });
}
