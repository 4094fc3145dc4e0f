/** The links of `List-Unsubscribe`: the POST of a mail program (RFC 8058), and a page for people. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { html } from "../../platform/html.ts";
import { problems } from "../../platform/http/errors.ts";
import { htmlPage, ignoreBodies, sendPage } from "../../platform/http/pages.ts";
import { readUnsubscribeToken } from "./token.ts";
import { unsubscribe } from "./unsubscribe.ts";

const Query = Type.Object({
  token: Type.String({
    maxLength: 1000,
    description: "The token of the link in the mail.",
    examples: ["WzEsImJhdGNoLmZpbmlzaGVkIl0.4Wq7mCJ0Yc"],
  }),
});

const DONE = {
  title: "You have unsubscribed",
  content: html`<p>You get no more mails of this kind. Mails that are already on their way may still arrive.</p>`,
};

export function unsubscribeRoutes({ config }: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    // Mail programs send `List-Unsubscribe=One-Click` as a form of either type.
    ignoreBodies(app);

    app.get(
      "/api/v1/unsubscribe",
      {
        config: { ignoresUnknownQueries: true },
        schema: {
          tags: ["mail"],
          operationId: "showUnsubscribePage",
          summary: "Show the page to unsubscribe",
          description: "The link of a mail. Changes nothing: programs that check links open it as well.",
          querystring: Query,
          response: { 200: htmlPage("A page with a button."), ...problems(400) },
        },
      },
      async ({ query }, reply) => {
        if (!readUnsubscribeToken(config.jwtSecret, query.token)) throw invalidLink();
        const action = `?token=${encodeURIComponent(query.token)}`;
        return sendPage(reply, 200, {
          title: "Unsubscribe?",
          content: html`<p>You will get no more mails of this kind.</p>
<form method="post" action="${action}"><button>Unsubscribe</button></form>`,
        });
      },
    );

    app.post(
      "/api/v1/unsubscribe",
      {
        schema: {
          tags: ["mail"],
          operationId: "unsubscribe",
          summary: "Unsubscribe from a kind of mail",
          description:
            "Needs no login: the token proves that the mail was sent. Turns off the mails of this kind for its recipient, as " +
            "in RFC 8058. Repeating the request changes nothing.",
          querystring: Query,
          response: { 200: htmlPage("The recipient has unsubscribed."), ...problems(400, 413) },
        },
      },
      async ({ ctx, query }, reply) => {
        if (!(await unsubscribe(ctx, query.token))) throw invalidLink();
        return sendPage(reply, 200, DONE);
      },
    );
  };
}

function invalidLink(): Error {
  return invalidField(
    "token",
    "is not the token of a mail. Copy the whole link, or turn mails off in your account.",
  );
}
