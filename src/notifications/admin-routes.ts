import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import { alertAdmins } from "../announcements/alert-admins.ts";
import { recordAudit } from "../audit/record-audit.ts";
import { type Context, inTransaction } from "../context.ts";
import { problems } from "../platform/http/errors.ts";
import { NUL_FREE } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { uuidV7 } from "../platform/ids.ts";

const Alert = Type.Object(
  {
    subject: Type.String({
      minLength: 1,
      maxLength: 150,
      pattern: NUL_FREE,
      description: "The problem in a few words.",
      examples: ["The import of tonight is late"],
    }),
    message: Type.String({
      maxLength: 10_000,
      pattern: NUL_FREE,
      default: "",
      description: "What happened, and what to do.",
      examples: ["The supplier sends its file tomorrow."],
    }),
  },
  { additionalProperties: false },
);

export function notificationAdminRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["admin"] }, (app, shared) => {
    app.post(
      "/api/v1/admin/alerts",
      {
        schema: {
          ...shared,
          operationId: "alertAdmins",
          summary: "Alert all administrators",
          description: "They hear of it in the app, by e-mail and on their webhooks, as they have chosen.",
          body: Alert,
          response: {
            204: Type.Null({ description: "The alert is stored." }),
            ...problems(400, 401, 403, 413, 415),
          },
        },
      },
      async ({ ctx, body }, reply) => {
        const key = `manual/${uuidV7(ctx.now())}`;
        await inTransaction(ctx, async (tx) => {
          await alertAdmins(tx, { key, ...body });
          const subject = { type: "alert", id: key };
          await recordAudit(tx, { action: "alert.sent", subject, details: { subject: body.subject } });
        });
        return reply.code(204).send(null);
      },
    );
  });
}
