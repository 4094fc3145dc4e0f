import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { problems } from "./errors.ts";

const Health = Type.Object({ status: Type.Literal("ok") });

export function healthRoutes(ctx: Context): FastifyPluginAsyncTypebox {
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
        await ctx.pool.query("SELECT 1");
        return { status: "ok" as const };
      },
    );
  };
}
