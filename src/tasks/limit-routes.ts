/** Operators limit how fast tasks of a type run. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { invalidField, notFound } from "../errors.ts";
import { problems } from "../platform/http/errors.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { removeLimit, setLimit } from "./limits/change-limit.ts";
import { listLimits } from "./limits/queries.ts";
import { LimitBody, LimitView, viewLimit } from "./limits/views.ts";
import { findTaskType } from "./types/registry.ts";

const TypeParams = Type.Object({
  type: Type.String({ minLength: 1, maxLength: 100, description: "The task type.", examples: ["image"] }),
});

export function taskLimitRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["operator", "admin"] }, (app, shared) => {
    app.get(
      "/api/v1/admin/task-limits",
      {
        schema: {
          ...shared,
          operationId: "listTaskLimits",
          summary: "List the limits of task types",
          description: "Returns the task types that have a limit, with the tasks that run and wait.",
          response: {
            200: Type.Object({ items: Type.Array(LimitView) }, { description: "The limits." }),
            ...problems(401, 403),
          },
        },
      },
      async ({ ctx }) => ({ items: (await listLimits(ctx)).map(viewLimit) }),
    );

    app.put(
      "/api/v1/admin/task-limits/:type",
      {
        schema: {
          ...shared,
          operationId: "setTaskLimit",
          summary: "Set the limit of a task type",
          description:
            "Replaces the limit. All workers follow it within about a second, also for tasks that already wait. Running tasks " +
            "continue. A waiting task stays `pending`, uses up no attempt, and keeps no place from other types. Users take turns.",
          params: TypeParams,
          body: LimitBody,
          response: { 200: LimitView, ...problems(400, 401, 403, 404, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => {
        const { per_second: perSecond = null, concurrent = null } = body;
        requireType(params.type);
        if (perSecond === 0)
          throw invalidField("per_second", "must be above 0. To start no task, send `concurrent`: 0.");
        if (perSecond === null && concurrent === null)
          throw invalidField("per_second", "is required, or `concurrent`. To remove the limit, send DELETE.");
        return viewLimit(await setLimit(ctx, params.type, { perSecond, concurrent }));
      },
    );

    app.delete(
      "/api/v1/admin/task-limits/:type",
      {
        schema: {
          ...shared,
          operationId: "removeTaskLimit",
          summary: "Remove the limit of a task type",
          description: "Waiting tasks start as workers have room. Repeating the request changes nothing.",
          params: TypeParams,
          response: {
            204: Type.Null({ description: "The type has no limit." }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, params }, reply) => {
        requireType(params.type);
        await removeLimit(ctx, params.type);
        return reply.code(204).send(null);
      },
    );
  });
}

/** @throws DomainError `not_found` */
function requireType(type: string): void {
  if (!findTaskType(type)) throw notFound("task type");
}
