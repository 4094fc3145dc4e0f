import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { Page, PageQuery } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { ScheduleParams } from "./params.ts";
import { getSchedule } from "./queries.ts";
import { pageOfSchedules, pageOfTicks, showSchedule } from "./read-schedules.ts";

export function scheduleRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["schedules"] }, (app, shared) => {
    app.get(
      "/api/v1/schedules",
      {
        schema: {
          ...shared,
          operationId: "listSchedules",
          summary: "List schedules",
          description: "Your schedules, oldest first.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("ListedSchedule")), ...problems(400, 401) },
        },
      },
      async ({ ctx, user, query }) => pageOfSchedules(ctx, user.id, query),
    );

    app.get(
      "/api/v1/schedules/:schedule_id",
      {
        schema: {
          ...shared,
          operationId: "getSchedule",
          summary: "Get a schedule",
          description: "Returns the schedule with its next ticks and its last one.",
          params: ScheduleParams,
          response: { 200: Type.Ref("Schedule"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => showSchedule(ctx, await getSchedule(ctx, user.id, params.schedule_id)),
    );

    app.get(
      "/api/v1/schedules/:schedule_id/ticks",
      {
        schema: {
          ...shared,
          operationId: "listScheduleTicks",
          summary: "List the ticks of a schedule",
          description: "The history, newest first. It keeps the last 500 ticks, for RETENTION_DAYS.",
          params: ScheduleParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("ScheduleTick")), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params, query }) => pageOfTicks(ctx, user.id, params.schedule_id, query),
    );
  });
}
