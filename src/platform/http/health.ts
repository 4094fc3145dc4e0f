import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { DomainError } from "../../errors.ts";
import { problems } from "./errors.ts";

const CHECK_MS = 3000;

const Health = Type.Object({ status: Type.Literal("ok") }, { description: "The check passed." });

/** @param checkReady throws if requests cannot be served */
export function healthRoutes(checkReady: () => Promise<unknown>): FastifyPluginAsyncTypebox {
  const check = withinTime(checkReady);
  return async (app) => {
    const shared = { tags: ["health"] };
    app.get(
      "/livez",
      {
        schema: {
          ...shared,
          operationId: "checkLiveness",
          summary: "Check that the process is up",
          description: "Does not check the database.",
          response: { 200: Health, ...problems() },
        },
      },
      async () => ({ status: "ok" as const }),
    );
    app.get(
      "/readyz",
      {
        schema: {
          ...shared,
          operationId: "checkReadiness",
          summary: "Check that requests can be served",
          description: "Queries the database. Returns 503 if it does not answer within 3 seconds.",
          response: { 200: Health, ...problems() },
        },
      },
      async () => {
        await check();
        return { status: "ok" as const };
      },
    );
  };
}

/** Returns a function that shares one check among all calls during it, so that calls do not pile up. */
function withinTime(check: () => Promise<unknown>): () => Promise<unknown> {
  let running: Promise<unknown> | null = null;
  return () => {
    running ??= check().finally(() => {
      running = null;
    });
    return Promise.race([running, rejectLate()]);
  };
}

async function rejectLate(): Promise<never> {
  await sleep(CHECK_MS, undefined, { ref: false });
  // If the process itself was busy, the answer of the database may have arrived and not been read yet.
  await nextTurn();
  const message = `The database does not answer within ${CHECK_MS / 1000} seconds.`;
  throw new DomainError("unavailable", message, { retryAfterSeconds: CHECK_MS / 1000 });
}
