/** The outbox, for administrators. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { problems } from "../../platform/http/errors.ts";
import { decodeUuidCursor, Page, PageQuery, pageOf } from "../../platform/http/paging.ts";
import { momentFields, readMoment } from "../../platform/http/read-moment.ts";
import { NUL_FREE, Uuid } from "../../platform/http/schemas.ts";
import { userRoutes } from "../../platform/http/user-routes.ts";
import { allowAddress, retryMail } from "./change-outbox.ts";
import { getMail, listMails, listSuppressions } from "./queries.ts";
import {
  ListedMailView,
  MailKindName,
  MailState,
  MailView,
  SuppressionView,
  viewListedMail,
  viewMail,
  viewSuppression,
} from "./views.ts";

const Address = Type.String({
  minLength: 1,
  maxLength: 254,
  pattern: NUL_FREE,
  description: "The address, ignoring case.",
  examples: ["ada@example.com"],
});

const Params = Type.Object({ mail_id: Type.String({ ...Uuid, description: "The id of the mail." }) });
const MAX_SUPPRESSIONS = 1000;

export function outboxRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["admin"] }, (app, shared) => {
    app.get(
      "/api/v1/outbox",
      {
        config: { mayLag: true },
        schema: {
          ...shared,
          operationId: "listMails",
          summary: "List mails",
          description: "All mails of the last RETENTION_DAYS, newest first.",
          querystring: Type.Object({
            state: Type.Optional(MailState),
            kind: Type.Optional(MailKindName),
            address: Type.Optional(Address),
            ...momentFields("from", "to", "mails created"),
            ...PageQuery,
          }),
          response: { 200: Page(ListedMailView), ...problems(400, 401, 403) },
        },
      },
      async ({ ctx, query }) => {
        const { cursor, limit, from, to, ...rest } = query;
        const filter = {
          ...rest,
          ...(from === undefined ? {} : { from: readMoment("from", from).start }),
          ...(to === undefined ? {} : { before: readMoment("to", to).end }),
        };
        const found = await listMails(ctx, filter, { before: decodeUuidCursor(cursor), limit });
        return pageOf(found, ({ id }) => id, viewListedMail);
      },
    );

    app.get(
      "/api/v1/outbox/:mail_id",
      {
        schema: {
          ...shared,
          operationId: "getMail",
          summary: "Get a mail",
          description:
            "Returns the mail with its content. Links that reset a password are hidden; `npm run cli -- outbox get` shows them.",
          params: Params,
          response: { 200: MailView, ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => viewMail(ctx.config, await getMail(ctx, params.mail_id), true),
    );

    app.post(
      "/api/v1/outbox/:mail_id/retry",
      {
        schema: {
          ...shared,
          operationId: "retryMail",
          summary: "Send a mail again",
          description:
            "For mails that are failed, uncertain, suppressed or cancelled. A mail that was uncertain can arrive twice, with the same " +
            "Message-ID.",
          params: Params,
          response: { 200: ListedMailView, ...problems(400, 401, 403, 404, 409) },
        },
      },
      async ({ ctx, params }) => viewListedMail(await retryMail(ctx, params.mail_id)),
    );

    app.get(
      "/api/v1/suppressions",
      {
        config: { search: "always" },
        schema: {
          ...shared,
          operationId: "listSuppressions",
          summary: "List addresses that get no mail",
          description: `The newest ${MAX_SUPPRESSIONS}, or those of one address.`,
          querystring: Type.Object({ address: Type.Optional(Address) }),
          response: {
            200: Type.Object(
              { items: Type.Array(SuppressionView) },
              { description: "Addresses, those that were suppressed last first." },
            ),
            ...problems(400, 401, 403),
          },
        },
      },
      async ({ ctx, query }) => ({
        items: (await listSuppressions(ctx, MAX_SUPPRESSIONS, query.address)).map(viewSuppression),
      }),
    );

    app.delete(
      "/api/v1/suppressions/:address",
      {
        schema: {
          ...shared,
          operationId: "allowAddress",
          summary: "Let an address get mail again",
          description: "Use it after the mailbox was repaired, or if its owner wants messages again.",
          params: Type.Object({ address: Address }),
          response: {
            204: Type.Null({ description: "The address gets all mail again." }),
            ...problems(400, 401, 403, 404),
          },
        },
      },
      async ({ ctx, params }, reply) => {
        if (!(await allowAddress(ctx, params.address))) throw notFound("suppressed address");
        return reply.code(204).send(null);
      },
    );
  });
}
