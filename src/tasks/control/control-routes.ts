import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { Compile } from "typebox/compile";
import type { Context } from "../../context.ts";
import { emptyBodyIsEmpty, parseBody } from "../../platform/http/body.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { TaskParams } from "../params.ts";
import { viewTask } from "../views.ts";
import { cancelTask } from "./cancel-task.ts";
import { deleteTask } from "./delete-task.ts";
import { retryTask } from "./retry-task.ts";

const CancelBody = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        maxLength: 1000,
        description: "Stored with the task and in its history.",
        examples: ["The wrong file."],
      }),
    ),
  },
  { additionalProperties: false },
);
const RetryBody = Type.Object(
  {
    force: Type.Optional(
      Type.Boolean({
        default: false,
        description: "Retry the task even if it has completed.",
        examples: [true],
      }),
    ),
  },
  { additionalProperties: false },
);
const cancelCheck = Compile(CancelBody);
const retryCheck = Compile(RetryBody);

export function taskControlRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["tasks"] }, (app, shared) => {
    const schema = { ...shared, params: TaskParams };
    const errors = problems(400, 401, 403, 404, 409, 413, 415);

    app.post(
      "/api/v1/tasks/:task_id/cancel",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": CancelBody } },
        schema: {
          ...schema,
          operationId: "cancelTask",
          summary: "Cancel a task",
          description:
            "A worker that runs the task stops within about a second. Tasks that wait for it are cancelled too. If the " +
            "task is a step of a workflow, the step fails. Repeating the request changes nothing; 409 if the task has completed or failed.",
          response: { 200: Type.Ref("Task"), ...errors },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { reason = "" } = parseBody(cancelCheck, body);
        return viewTask(await cancelTask(ctx, user.id, params.task_id, reason), ctx);
      },
    );

    app.post(
      "/api/v1/tasks/:task_id/retry",
      {
        preValidation: emptyBodyIsEmpty,
        config: { documentedBody: { "application/json": RetryBody } },
        schema: {
          ...schema,
          operationId: "retryTask",
          summary: "Retry a task",
          description:
            "For a task that failed or was cancelled. It gets all its automatic retries again, and its history keeps the " +
            "earlier results. 409 if the task is pending or processing, has completed and `force` is not set, or is a step of a " +
            "workflow: retry the workflow.",
          response: { 200: Type.Ref("Task"), ...errors },
        },
      },
      async ({ ctx, user, params, body }) => {
        const { force = false } = parseBody(retryCheck, body);
        return viewTask(await retryTask(ctx, user.id, params.task_id, { force }), ctx);
      },
    );

    app.delete(
      "/api/v1/tasks/:task_id",
      {
        schema: {
          ...schema,
          operationId: "deleteTask",
          summary: "Delete a task",
          description:
            "Deletes a task in any state, with its history and the files that it created. A worker that runs it stops; " +
            "tasks that wait for it are cancelled. 409 if the task is a step of a running workflow.",
          response: {
            204: Type.Null({ description: "The task is deleted." }),
            ...problems(400, 401, 403, 404, 409),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await deleteTask(ctx, user.id, params.task_id);
        return reply.code(204).send(null);
      },
    );
  });
}
