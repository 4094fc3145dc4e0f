import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { CONTENT_DISPOSITION } from "../platform/http/download.ts";
import { problems } from "../platform/http/errors.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import type { Caller } from "../schema/accounts.ts";
import { findTarget, listTargets } from "./define/load-target.ts";
import { proposeColumns } from "./propose-columns.ts";
import type { Target } from "./target.ts";
import { Match, MatchBody, templateOf, viewMatch, viewTarget } from "./views.ts";

/** As large as the longest header of an upload. */
const MAX_HEADER_BYTES = 2 ** 20;

const TargetParams = Type.Object({
  name: Type.String({
    minLength: 1,
    maxLength: 100,
    description: "The name of the target.",
    examples: ["books"],
  }),
});

export function targetRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["targets"] }, (app, shared) => {
    app.get(
      "/api/v1/targets",
      {
        schema: {
          ...shared,
          operationId: "listTargets",
          summary: "List targets",
          description: "The targets that you may upload for.",
          response: {
            200: Type.Object({ items: Type.Array(Type.Ref("Target")) }, { description: "The targets." }),
            ...problems(401),
          },
        },
      },
      async ({ ctx, user }) => ({ items: (await listTargets(ctx, user)).map(viewTarget) }),
    );

    app.get(
      "/api/v1/targets/:name",
      {
        schema: {
          ...shared,
          operationId: "getTarget",
          summary: "Get a target",
          description: "Returns the columns and their rules, the key and the modes.",
          params: TargetParams,
          response: { 200: Type.Ref("Target"), ...problems(400, 401, 404) },
        },
      },
      async ({ ctx, user, params }) => viewTarget(await getTarget(ctx, user, params.name)),
    );

    app.post(
      "/api/v1/targets/:name/match",
      {
        bodyLimit: MAX_HEADER_BYTES,
        schema: {
          ...shared,
          operationId: "matchTargetHeader",
          summary: "Match the columns of a file",
          description:
            "Returns the column of the file that each column of the target would get, without an upload. A mapping that you sent with " +
            "an accepted upload for the same target and the same column names is proposed again. Send the result as `mapping`: an " +
            "upload without `mapping` matches by name and alias alone.",
          params: TargetParams,
          body: MatchBody,
          response: { 200: Match, ...problems(400, 401, 404, 413, 415) },
        },
      },
      async ({ ctx, user, params, body }) => {
        const target = await getTarget(ctx, user, params.name);
        return viewMatch(target, await proposeColumns(ctx, user.id, target, body.header));
      },
    );

    app.get(
      "/api/v1/targets/:name/template.csv",
      {
        schema: {
          ...shared,
          operationId: "downloadTargetTemplate",
          summary: "Download a template for a target",
          description: "A CSV file with the header and one example row.",
          params: TargetParams,
          response: {
            200: {
              description: "The file.",
              headers: CONTENT_DISPOSITION,
              content: {
                "text/csv": {
                  schema: Type.String({ examples: ["title,author\nFrankenstein,Mary Shelley\n"] }),
                },
              },
            },
            ...problems(400, 401, 404),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        const target = await getTarget(ctx, user, params.name);
        return reply
          .type("text/csv; charset=utf-8")
          .header("content-disposition", `attachment; filename="${target.name}.csv"`)
          .send(templateOf(target));
      },
    );
  });
}

/** @throws DomainError `not_found`, also if the user may not upload for the target */
async function getTarget(ctx: Context, user: Caller, name: string): Promise<Target> {
  const target = await findTarget(ctx, name, user);
  if (!target) throw notFound("target");
  return target;
}
