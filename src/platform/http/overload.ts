/** Refuses expensive requests while the process is overloaded, so that running requests can end. */
import underPressure from "@fastify/under-pressure";
import type { FastifyInstance } from "fastify";
import { DomainError } from "../../errors.ts";
import { isRead } from "./request-limits.ts";

/** The delay is the mean of a second. */
const MAX_EVENT_LOOP_DELAY_MS = 2000;
/** One long pause, or a slow start, is not an overload. */
const OVERLOADED_AFTER_MS = 5000;
const RETRY_AFTER_SECONDS = 5;

/** Answers 503 to writes and uploads while the event loop lags. Reads and probes are cheap, so they are served. */
export async function refuseWhenOverloaded(app: FastifyInstance): Promise<void> {
  let laggingSince: number | null = null;
  const sampling = setInterval(() => {
    laggingSince = app.isUnderPressure() ? (laggingSince ?? performance.now()) : null;
  }, 1000).unref();
  app.addHook("onClose", async () => clearInterval(sampling));
  await app.register(underPressure, {
    maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
    async pressureHandler(request) {
      if (isRead(request) || laggingSince === null) return;
      if (performance.now() - laggingSince < OVERLOADED_AFTER_MS) return;
      throw new DomainError("unavailable", "The service is overloaded. Try again in a moment.", {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
    },
  });
}
