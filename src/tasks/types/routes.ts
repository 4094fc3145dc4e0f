import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { findTaskType, taskTypes } from "./registry.ts";
import { viewTaskType } from "./views.ts";

export function taskTypeRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["tasks"], security: SECURITY };

    app.get(
      "/api/v1/task-types",
      {
        schema: {
          ...shared,
          summary: "What a task can be",
          response: { 200: Type.Object({ items: Type.Array(Type.Ref("TaskType")) }), ...problems(401) },
        },
      },
      async () => ({ items: taskTypes.map(viewTaskType) }),
    );

    app.get(
      "/api/v1/task-types/:name",
      {
        schema: {
          ...shared,
          summary: "A task type: its parameters, its limits, an example",
          params: Type.Object({
            name: Type.String({ minLength: 1, maxLength: 100, examples: ["generic"] }),
          }),
          response: { 200: Type.Ref("TaskType"), ...problems(400, 401, 404) },
        },
      },
      async ({ params }) => {
        const type = findTaskType(params.name);
        if (!type) throw notFound("task type");
        return viewTaskType(type);
      },
    );
  };
}
