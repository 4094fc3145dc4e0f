import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { createdResponse, createOnce } from "../../idempotency/create-once.ts";
import { IdempotencyHeaders } from "../../idempotency/replay.ts";
import { emptyBodyIsEmpty } from "../../platform/http/body.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { ScheduleParams } from "../params.ts";
import { showSchedule } from "../read-schedules.ts";
import { checkTimetable, nextOf, nextTicks } from "../timing.ts";
import { Ticks, viewSchedule, viewTick } from "../views.ts";
import { wakeNextTicks } from "../wake.ts";
import { createSchedule } from "./create-schedule.ts";
import { runSchedule } from "./run-schedule.ts";
import {
  createScheduleBody,
  Preview,
  RunBody,
  readNewSchedule,
  readPreview,
  readScheduleChanges,
  updateScheduleBody,
} from "./schedule-body.ts";
import { deleteSchedule, updateSchedule } from "./update-schedule.ts";

/** For workflows of hundreds of steps. */
const MAX_BODY_BYTES = 64 * 1024;

export function scheduleControlRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["schedules"] }, (app, shared) => {
    app.post(
      "/api/v1/schedules",
      {
        bodyLimit: MAX_BODY_BYTES,
        config: { documentedBody: createScheduleBody },
        schema: {
          ...shared,
          headers: IdempotencyHeaders,
          operationId: "createSchedule",
          summary: "Create a schedule",
          description:
            "Each tick creates the task or the workflow, as if you had sent POST /api/v1/tasks or POST /api/v1/workflows at that " +
            `time. It is checked now, except for your quotas. The body has up to ${MAX_BODY_BYTES / 1024} KiB. Unknown fields are ` +
            "rejected.",
          response: {
            201: createdResponse("The schedule with its next ticks.", Type.Ref("Schedule")),
            ...problems(400, 401, 403, 409, 413, 415, 422, 429),
          },
        },
      },
      async (request, reply) => {
        const fields = readNewSchedule(request.body);
        const created = await createOnce(request, reply, async (tx) =>
          viewSchedule(await createSchedule(tx, request.user.id, fields), undefined),
        );
        await wakeNextTicks(request.ctx);
        return reply.code(201).header("location", `/api/v1/schedules/${created.id}`).send(created);
      },
    );

    app.post(
      "/api/v1/schedules/preview",
      {
        config: { documentedBody: { "application/json": Preview } },
        schema: {
          ...shared,
          operationId: "previewSchedule",
          summary: "Preview the ticks of a cron expression",
          description:
            "Checks an expression and a time zone, and returns their next ticks. Nothing is stored.",
          response: {
            200: Type.Object({ next_ticks: Ticks }, { description: "The next ticks." }),
            ...problems(400, 401, 413, 415),
          },
        },
      },
      async ({ ctx, body }) => {
        const { count, ...timetable } = readPreview(body);
        checkTimetable(timetable, ctx.now());
        const timing = {
          ...timetable,
          id: "",
          isEnabled: true,
          startsAt: null,
          endsAt: null,
          jitterSeconds: 0,
        };
        const { nextTickAt } = nextOf({ ...timing, nextTickAt: null }, ctx.now());
        return { next_ticks: nextTicks({ ...timing, nextTickAt }, count).map((tick) => tick.toISOString()) };
      },
    );

    app.patch(
      "/api/v1/schedules/:schedule_id",
      {
        bodyLimit: MAX_BODY_BYTES,
        config: { documentedBody: updateScheduleBody },
        schema: {
          ...shared,
          operationId: "updateSchedule",
          summary: "Update a schedule",
          description:
            "Changes the fields that the body has. Tasks that exist stay as they are. A schedule that is disabled drops the ticks " +
            "that wait. Unknown fields are rejected.",
          params: ScheduleParams,
          response: { 200: Type.Ref("Schedule"), ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, user, params, body }) =>
        showSchedule(ctx, await updateSchedule(ctx, user.id, params.schedule_id, readScheduleChanges(body))),
    );

    app.delete(
      "/api/v1/schedules/:schedule_id",
      {
        schema: {
          ...shared,
          operationId: "deleteSchedule",
          summary: "Delete a schedule",
          description: "Deletes the schedule with its history. Its tasks stay.",
          params: ScheduleParams,
          response: {
            204: Type.Null({ description: "The schedule is deleted." }),
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteSchedule(ctx, user.id, params.schedule_id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      "/api/v1/schedules/:schedule_id/run",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          headers: IdempotencyHeaders,
          operationId: "runSchedule",
          summary: "Run a schedule now",
          description:
            "Creates the task or workflow at once, also if the schedule is disabled. The next tick stays. If it is refused, the " +
            "answer says why, and the history has no entry.",
          params: ScheduleParams,
          body: RunBody,
          response: {
            201: createdResponse("The tick.", Type.Ref("ScheduleTick")),
            ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429),
          },
        },
      },
      async (request, reply) => {
        const { schedule_id } = request.params;
        const mustObeyOverlap = request.body.obey_overlap ?? false;
        const tick = await createOnce(request, reply, async (tx) =>
          viewTick(await runSchedule(tx, request.user.id, schedule_id, { mustObeyOverlap })),
        );
        return reply.code(201).header("location", `/api/v1/schedules/${schedule_id}/ticks`).send(tick);
      },
    );
  });
}
