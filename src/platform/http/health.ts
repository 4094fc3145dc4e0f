import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { problems } from "./errors.ts";

const Health = Type.Object({ status: Type.Literal("ok") }, { description: "The check passed." });

/** @param checkReady throws if requests cannot be served */
export function healthRoutes(checkReady: () => Promise<unknown>): FastifyPluginAsyncTypebox {
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
          description: "Queries the database. Returns 503 if it does not answer.",
          response: { 200: Health, ...problems() },
        },
      },
      async () => {
        await checkReady();
        return { status: "ok" as const };
      },
    );
  };
}
