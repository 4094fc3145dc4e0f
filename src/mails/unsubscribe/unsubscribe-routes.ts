/** The links of `List-Unsubscribe`: the POST of a mail program (RFC 8058), and a page for people. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { html } from "../../platform/html.ts";
import { problems } from "../../platform/http/errors.ts";
import { htmlPage, sendPage } from "../../platform/http/pages.ts";
import { readUnsubscribeToken } from "./token.ts";
import { unsubscribe } from "./unsubscribe.ts";

const Query = Type.Object({
  token: Type.String({
    maxLength: 1000,
    description: "The token of the link in the mail.",
    examples: ["WzEsImJhdGNoLmZpbmlzaGVkIl0.4Wq7mCJ0Yc"],
  }),
});

const WRONG = {
  title: "This link is not valid",
  content: html`<p>Copy the whole link of the mail, or turn mails off in your account.</p>`,
};
/** A page if the token is wrong, problem details if it is missing. */
const INVALID = {
  ...htmlPage("The token is missing or wrong."),
  content: { ...htmlPage("").content, "application/problem+json": { schema: Type.Ref("Problem") } },
};
const DONE = {
  title: "You have unsubscribed",
  content: html`<p>You get no more mails of this kind. Mails that are already on their way may still arrive.</p>`,
};

export function unsubscribeRoutes({ config }: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    // Mail programs send `List-Unsubscribe=One-Click` as a form of either type. The token says all.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "string" }, (_request, _body, done) => done(null));

    app.get(
      "/api/v1/unsubscribe",
      {
        schema: {
          tags: ["mail"],
          operationId: "showUnsubscribePage",
          summary: "Show the page to unsubscribe",
          description: "The link of a mail. Changes nothing: programs that check links open it as well.",
          querystring: Query,
          response: { ...problems(400), 200: htmlPage("A page with a button."), 400: INVALID },
        },
      },
      async ({ query }, reply) => {
        if (!readUnsubscribeToken(config.jwtSecret, query.token)) return sendPage(reply, 400, WRONG);
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
          response: { ...problems(400, 413), 200: htmlPage("The recipient has unsubscribed."), 400: INVALID },
        },
      },
      async ({ ctx, query }, reply) =>
        (await unsubscribe(ctx, query.token)) ? sendPage(reply, 200, DONE) : sendPage(reply, 400, WRONG),
    );
  };
}
