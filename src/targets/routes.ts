import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { authenticate, SECURITY } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import type { Role } from "../schema/accounts.ts";
import { targetsFor } from "./registry.ts";
import type { Target } from "./target.ts";
import { templateOf, viewTarget } from "./views.ts";

const TargetParams = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100, examples: ["books"] }),
});

export function targetRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(ctx.config));
    const shared = { tags: ["targets"], security: SECURITY };

    app.get(
      "/api/v1/targets",
      {
        schema: {
          ...shared,
          summary: "What a CSV can become: the targets that I may upload for",
          response: { 200: Type.Object({ items: Type.Array(Type.Ref("Target")) }), ...problems(401) },
        },
      },
      async ({ user }) => ({ items: targetsFor(user.role).map(viewTarget) }),
    );

    app.get(
      "/api/v1/targets/:name",
      {
        schema: {
          ...shared,
          summary: "A target: its columns, their rules, its key and its modes",
          params: TargetParams,
          response: { 200: Type.Ref("Target"), ...problems(400, 401, 404) },
        },
      },
      async ({ user, params }) => viewTarget(find(user.role, params.name)),
    );

    app.get(
      "/api/v1/targets/:name/template.csv",
      {
        schema: {
          ...shared,
          summary: "A CSV file to begin with: the header and an example",
          params: TargetParams,
          response: {
            200: {
              description: "The file.",
              headers: { "Content-Disposition": { schema: { type: "string" } } },
              content: { "text/csv": { schema: Type.String() } },
            },
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ user, params }, reply) => {
        const target = find(user.role, params.name);
        return reply
          .type("text/csv; charset=utf-8")
          .header("content-disposition", `attachment; filename="${target.name}.csv"`)
          .send(templateOf(target));
      },
    );
  };
}

function find(role: Role, name: string): Target {
  const target = targetsFor(role).find((one) => one.name === name);
  if (!target) throw notFound("target");
  return target;
}
