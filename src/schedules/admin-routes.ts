/** Operators see the schedules of all users and the built-in ones. Administrators change and run them. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { requireRole } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { Page, PageQuery } from "../platform/http/paging.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { runSchedule } from "./control/run-schedule.ts";
import { adminScheduleBody, readAdminChanges } from "./control/schedule-body.ts";
import { updateSchedule } from "./control/update-schedule.ts";
import { ScheduleParams } from "./params.ts";
import { getSchedule } from "./queries.ts";
import { pageOfSchedules, pageOfTicks, showSchedule } from "./read-schedules.ts";
import { viewTick } from "./views.ts";

export function scheduleAdminRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/schedules",
      {
        schema: {
          ...shared,
          operationId: "adminListSchedules",
          summary: "List the schedules of all users",
          description: "The built-in schedules first, and then those of users, oldest first.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("ListedSchedule")), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => pageOfSchedules(ctx, null, query),
    );

    app.get(
      "/api/v1/admin/schedules/:schedule_id",
      {
        schema: {
          ...shared,
          operationId: "adminGetSchedule",
          summary: "Get a schedule of any user",
          description: "Returns a schedule of a user, or a built-in one.",
          params: ScheduleParams,
          response: { 200: Type.Ref("Schedule"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => showSchedule(ctx, await getSchedule(ctx, null, params.schedule_id)),
    );

    app.get(
      "/api/v1/admin/schedules/:schedule_id/ticks",
      {
        schema: {
          ...shared,
          operationId: "adminListScheduleTicks",
          summary: "List the ticks of a schedule of any user",
          description: "The history, newest first.",
          params: ScheduleParams,
          querystring: Type.Object(PageQuery),
          response: { 200: Page(Type.Ref("ScheduleTick")), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params, query }) => pageOfTicks(ctx, null, params.schedule_id, query),
    );

    app.patch(
      "/api/v1/admin/schedules/:schedule_id",
      {
        onRequest: requireRole("admin"),
        config: { documentedBody: adminScheduleBody },
        schema: {
          ...shared,
          operationId: "adminUpdateSchedule",
          summary: "Update a built-in schedule",
          description:
            "For administrators. Afterwards, the setting with its cron expression has no effect on it. Of the schedule of a user, " +
            "only `is_enabled` can be changed. The audit log records it.",
          params: ScheduleParams,
          response: { 200: Type.Ref("Schedule"), ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      async ({ ctx, params, body }) =>
        showSchedule(ctx, await updateSchedule(ctx, null, params.schedule_id, readAdminChanges(body))),
    );

    app.post(
      "/api/v1/admin/schedules/:schedule_id/run",
      {
        onRequest: requireRole("admin"),
        schema: {
          ...shared,
          operationId: "adminRunSchedule",
          summary: "Run any schedule now",
          description:
            "For administrators. Creates the job of a built-in schedule, or the task of a user. The audit log records it.",
          params: ScheduleParams,
          response: {
            201: Type.Ref("ScheduleTick", { description: "The tick." }),
            ...problems(400, 401, 403, 404, 413, 429),
          },
        },
      },
      async ({ ctx, params }, reply) =>
        reply.code(201).send(viewTick(await runSchedule(ctx, null, params.schedule_id))),
    );
  });
}
