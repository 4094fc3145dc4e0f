/** What an owner may do to a task: end it, have it done again, remove it. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { Compile } from "typebox/compile";
import type { Context } from "../../context.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { emptyBodyIsEmpty, parseBody } from "../../platform/http/body.ts";
import { problems } from "../../platform/http/errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { TaskParams } from "../routes.ts";
import { viewTask } from "../views.ts";
import { cancelTask } from "./cancel-task.ts";
import { deleteTask } from "./delete-task.ts";
import { retryTask } from "./retry-task.ts";

const CancelBody = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        maxLength: 1000,
        description: "Kept with the task and its history.",
        examples: ["The wrong file."],
      }),
    ),
  },
  { additionalProperties: false },
);
const RetryBody = Type.Object(
  {
    force: Type.Optional(
      Type.Boolean({ default: false, description: "Also a task that has completed.", examples: [true] }),
    ),
  },
  { additionalProperties: false },
);
const cancelCheck = Compile(CancelBody);
const retryCheck = Compile(RetryBody);

export function taskControlRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = {
      tags: ["tasks"],
      security: SECURITY,
      params: TaskParams,
    };
    const errors = problems(400, 401, 403, 404, 409, 413, 415);

    app.post(
      "/api/v1/tasks/:task_id/cancel",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": CancelBody } },
        schema: {
          ...shared,
          summary: "End a task that waits or runs",
          description:
            "A worker that has it in hand stops within about a second. Those that wait for it are cancelled with it. Safe to " +
            "send again; one that has completed or failed is 409.",
          response: { 200: Type.Ref("Task"), ...errors },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { reason = "" } = parseBody(cancelCheck, body);
        requireStorable(reason, "reason");
        return viewTask(await cancelTask(ctx, user.id, params.task_id, reason), ctx.now());
      },
    );

    app.post(
      "/api/v1/tasks/:task_id/retry",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": RetryBody } },
        schema: {
          ...shared,
          summary: "Have a task done again that has failed or was cancelled",
          description:
            "All of its automatic retries are there again. What came of it before stays in its history. One that waits or " +
            "runs is 409, and so is one that has completed, but with `force`.",
          response: { 200: Type.Ref("Task"), ...errors },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { force = false } = parseBody(retryCheck, body);
        return viewTask(await retryTask(ctx, user.id, params.task_id, { force }), ctx.now());
      },
    );

    app.delete(
      "/api/v1/tasks/:task_id",
      {
        schema: {
          ...shared,
          summary: "Delete a task, whatever its state",
          description:
            "With its history and the files that it made. A worker that has it in hand stops; tasks that wait for it are cancelled.",
          response: { 204: Type.Null({ description: "Deleted." }), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteTask(ctx, user.id, params.task_id);
        return reply.code(204).send(null);
      },
    );
  };
}
