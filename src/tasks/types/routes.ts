import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { limitsByType } from "../limits/queries.ts";
import { typesFor } from "./require-role.ts";
import { viewTaskType } from "./views.ts";

export function taskTypeRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["tasks"] }, (app, shared) => {
    app.get(
      "/api/v1/task-types",
      {
        schema: {
          ...shared,
          operationId: "listTaskTypes",
          summary: "List task types",
          description: "The kinds of tasks that you can create.",
          response: {
            200: Type.Object({ items: Type.Array(Type.Ref("TaskType")) }, { description: "The task types." }),
            ...problems(401),
          },
        },
      },
      async ({ ctx, user }) => {
        const limits = await limitsByType(ctx);
        return {
          items: typesFor(user.role, ctx.config).map((type) =>
            viewTaskType(type, limits.get(type.name), ctx.config),
          ),
        };
      },
    );

    app.get(
      "/api/v1/task-types/:name",
      {
        schema: {
          ...shared,
          operationId: "getTaskType",
          summary: "Get a task type",
          description: "Returns the parameters, the limits and an example.",
          params: Type.Object({
            name: Type.String({
              minLength: 1,
              maxLength: 100,
              description: "The name of the task type.",
              examples: ["generic"],
            }),
          }),
          response: { 200: Type.Ref("TaskType"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => {
        const type = typesFor(user.role, ctx.config).find(({ name }) => name === params.name);
        if (!type) throw notFound("task type");
        return viewTaskType(type, (await limitsByType(ctx)).get(type.name), ctx.config);
      },
    );
  });
}
