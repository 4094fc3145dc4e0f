import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { readStatistics } from "./queries.ts";
import { RANGES } from "./ranges.ts";
import { StatisticsView, viewStatistics } from "./views.ts";

export function statisticsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/statistics",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "getStatistics",
          summary: "Get the statistics of the service",
          description:
            "Returns throughput, queues, workers and the size of the database over a range, and the current numbers. Workers " +
            "record them once per minute and keep them for eight days. A minute without a live worker is a gap.",
          querystring: Type.Object({
            range: Type.Enum([...RANGES], {
              default: "1h",
              description: "1h: one bucket per minute. 24h: per ten minutes. 7d: per hour.",
            }),
          }),
          response: { 200: StatisticsView, ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => viewStatistics(query.range, await readStatistics(ctx, query.range)),
    );
  });
}
