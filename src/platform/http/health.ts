import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { problems } from "./errors.ts";

const Health = Type.Object({ status: Type.Literal("ok") });

/** @param checkReady throws while requests cannot be served */
export function healthRoutes(checkReady: () => Promise<unknown>): FastifyPluginAsyncTypebox {
  return async (app) => {
    const shared = { tags: ["health"] };
    app.get(
      "/livez",
      { schema: { ...shared, summary: "The process is up", response: { 200: Health, ...problems() } } },
      async () => ({ status: "ok" as const }),
    );
    app.get(
      "/readyz",
      {
        schema: {
          ...shared,
          summary: "The database answers, so requests can be served",
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
