/** The sessions of the caller. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { refuseApiToken, sessionOf } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { Uuid } from "../../platform/http/schemas.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { firstOf } from "../../platform/postgres/read-page.ts";
import { logOutEverywhere } from "../control/end-logins.ts";
import { endSession } from "./end-sessions.ts";
import { listSessions } from "./queries.ts";
import { OwnSessionView, viewSession } from "./views.ts";

export function sessionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["auth"] }, (app, shared) => {
    app.addHook("onRequest", refuseApiToken);

    app.get(
      "/api/v1/auth/sessions",
      {
        schema: {
          ...shared,
          operationId: "listSessions",
          summary: "List your sessions",
          description: "Your logins that have not ended, newest first. API tokens and Basic have no session.",
          querystring: Type.Object(PageQuery),
          response: { 200: Page(OwnSessionView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, user, login, query }) => {
        const before = decodeUuidCursor(query.cursor);
        const found = await listSessions(ctx, user.id, { before, limit: query.limit + 1 });
        return pageOf(
          firstOf(found, query.limit),
          ({ id }) => id,
          (session) => viewSession(session, sessionOf(login)),
        );
      },
    );

    app.delete(
      "/api/v1/auth/sessions/:session_id",
      {
        schema: {
          ...shared,
          operationId: "endSession",
          summary: "End a session",
          description:
            "Logs out one of your sessions: its access token, its refresh token and its event streams end within 100 ms.",
          params: Type.Object({
            session_id: Type.String({ ...Uuid, description: "The id of the session." }),
          }),
          response: {
            204: Type.Null({ description: "The session has ended." }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, user, params }, reply) => {
        await endSession(ctx, user.id, params.session_id);
        return reply.code(204).send(null);
      },
    );

    app.delete(
      "/api/v1/auth/sessions",
      {
        schema: {
          ...shared,
          operationId: "endOtherSessions",
          summary: "End all other sessions",
          description:
            "Logs out all your sessions except the one of this request. With Basic, which has no session, all of them end. " +
            "API tokens stay valid.",
          response: {
            200: Type.Object(
              { ended: Type.Integer({ description: "The number of sessions that ended.", examples: [2] }) },
              { description: "The sessions have ended." },
            ),
            ...problems(401, 403),
          },
        },
      },
      async ({ ctx, user, login }) => ({
        ended: await logOutEverywhere(ctx, user.id, sessionOf(login)),
      }),
    );
  });
}
