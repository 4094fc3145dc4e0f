/**
 * Single tasks at the paths of both task services. Under /api/tasks/, the file-processing service identifies tasks by UUID
 * and the task queue service by number, so the kind of id decides the format of the answer.
 */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { emptyBodyIsEmpty } from "../platform/http/body.ts";
import { problems } from "../platform/http/errors.ts";
import { cancelTask } from "../tasks/control/cancel-task.ts";
import { deleteTask } from "../tasks/control/delete-task.ts";
import { retryTask } from "../tasks/control/retry-task.ts";
import { FileTask, viewFileTask } from "./file-processing/views.ts";
import { djangoRoutes } from "./shared/django.ts";
import { TaskCache } from "./shared/task-cache.ts";
import { findTaskId, type TaskKey } from "./shared/task-detail.ts";
import { QueuedTaskAnswer, viewQueuedTask } from "./task-queue/views.ts";

const TaskParams = Type.Object({
  id: Type.String({ description: "The UUID or the number of the task.", examples: ["1"] }),
});
const NumberParams = Type.Object({
  id: Type.String({ description: "The number of the task.", examples: ["1"] }),
});
const Deleted = Type.Object(
  { message: Type.String({ description: "A confirmation.", examples: ["Task 1 deleted successfully"] }) },
  { description: "The task is deleted." },
);

export function taskByIdRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const cache = new TaskCache(ctx);
  return djangoRoutes(ctx, (app, shared) => {
    app.get(
      "/api/tasks/tasks/:id/",
      {
        schema: {
          ...shared,
          operationId: "legacyGetQueuedTask",
          summary: "Get a task by its number",
          description: "As the task queue service answers.",
          params: NumberParams,
          response: { 200: QueuedTaskAnswer, ...problems(400, 401, 404) },
        },
      },
      ({ user, params }) => answerByNumber(user.id, numberOf(params.id)),
    );

    app.delete(
      "/api/tasks/tasks/:id/",
      {
        schema: {
          ...shared,
          operationId: "legacyDeleteQueuedTask",
          summary: "Delete a task by its number",
          description: "Deletes a task in any state.",
          params: NumberParams,
          response: { 200: Deleted, ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      ({ ctx, user, params }) => removeTask(ctx, user.id, numberOf(params.id)),
    );

    app.get(
      "/api/tasks/:id/",
      {
        schema: {
          ...shared,
          operationId: "legacyGetTask",
          summary: "Get a task",
          description:
            "With a UUID it answers as the file-processing service, with a number as the task queue service.",
          params: TaskParams,
          response: { 200: Type.Union([FileTask, QueuedTaskAnswer]), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        const key = keyOf(params.id);
        if (typeof key === "number") return answerByNumber(user.id, key);
        return viewFileTask((await cache.get(user.id, key)).task, ctx);
      },
    );

    app.delete(
      "/api/tasks/:id/",
      {
        schema: {
          ...shared,
          operationId: "legacyDeleteTask",
          summary: "Delete a task",
          description: "Deletes a task in any state.",
          params: TaskParams,
          response: { 200: Deleted, ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      ({ ctx, user, params }) => removeTask(ctx, user.id, keyOf(params.id)),
    );

    app.post(
      "/api/tasks/:id/cancel/",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          operationId: "legacyCancelTask",
          summary: "Cancel a task",
          description: "Returns 409 if the task has completed or failed.",
          params: TaskParams,
          body: Type.Object({
            reason: Type.String({
              default: "",
              maxLength: 1000,
              description: "Stored with the task.",
              examples: ["User cancelled"],
            }),
          }),
          response: {
            200: Type.Object(
              { status: Type.Literal("cancelled", { description: "Always `cancelled`." }) },
              { description: "The task is cancelled." },
            ),
            ...problems(400, 401, 403, 404, 409, 413, 415),
          },
        },
      },
      async ({ ctx, user, params, body }) => {
        const id = await findTaskId(ctx, user.id, keyOf(params.id));
        await cancelTask(ctx, user.id, id, body.reason);
        return { status: "cancelled" as const };
      },
    );

    app.post(
      "/api/tasks/:id/retry/",
      {
        preValidation: emptyBodyIsEmpty,
        schema: {
          ...shared,
          operationId: "legacyRetryTask",
          summary: "Retry a task",
          description:
            "Returns 409 if the task is pending or processing, or has completed and `force` is not set.",
          params: TaskParams,
          body: Type.Object({
            force: Type.Boolean({ default: false, description: "Retry the task even if it has completed." }),
          }),
          response: {
            200: Type.Object(
              { status: Type.Literal("retrying", { description: "Always `retrying`." }) },
              { description: "The task is retried." },
            ),
            ...problems(400, 401, 403, 404, 409, 413, 415),
          },
        },
      },
      async ({ ctx, user, params, body }) => {
        const id = await findTaskId(ctx, user.id, keyOf(params.id));
        await retryTask(ctx, user.id, id, body);
        return { status: "retrying" as const };
      },
    );

    async function answerByNumber(userId: number, number: number) {
      const { isCached, ...detail } = await cache.get(userId, number);
      return { task: viewQueuedTask(detail), cached: isCached };
    }

    async function removeTask(ctx: Context, userId: number, key: TaskKey) {
      await deleteTask(ctx, userId, await findTaskId(ctx, userId, key));
      return { message: `Task ${key} deleted successfully` };
    }
  });
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws DomainError `not_found` if `id` is neither a UUID nor a number */
function keyOf(id: string): TaskKey {
  const lower = id.toLowerCase();
  return UUID.test(lower) ? lower : numberOf(id);
}

function numberOf(id: string): number {
  const number = /^\d{1,16}$/.test(id) ? Number(id) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw notFound("task");
  return number;
}
