/** Links that confirm an address. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { html } from "../../platform/html.ts";
import { authenticate, SECURITY } from "../../platform/http/auth.ts";
import { problems } from "../../platform/http/errors.ts";
import { htmlPage, ignoreBodies, sendPage } from "../../platform/http/pages.ts";
import { confirmEmail, findConfirmation } from "./confirm-email.ts";
import { requestConfirmation } from "./request-confirmation.ts";

const Query = Type.Object({
  token: Type.String({
    maxLength: 1000,
    description: "The token of the link in the mail.",
    examples: ["WzEsImFkYUBleGFtcGxlLmNvbSJd.4Wq7mCJ0Yc"],
  }),
});

const Accepted = Type.Object(
  { message: Type.String({ description: "What to do now.", examples: ["Follow the link in the mail."] }) },
  { description: "A mail is on its way." },
);

export function confirmRoutes({ config }: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      "/api/v1/auth/email-confirmation",
      {
        onRequest: authenticate(config),
        schema: {
          tags: ["auth"],
          operationId: "requestEmailConfirmation",
          summary: "Request a link to confirm your email address",
          description:
            "Mails a link to your address. Until it is confirmed, you get only mails about your account. The welcome mail has " +
            "such a link as well.",
          security: SECURITY,
          response: { 202: Accepted, ...problems(400, 401, 409, 413, 415, 429) },
        },
      },
      async ({ ctx, user }, reply) => {
        await requestConfirmation(ctx, user.id);
        return reply.code(202).send({ message: "Follow the link in the mail." });
      },
    );

    await app.register(linkRoutes);
  };
}

const linkRoutes: FastifyPluginAsyncTypebox = async (app) => {
  ignoreBodies(app);

  app.get(
    "/api/v1/confirm-email",
    {
      config: { ignoresUnknownQueries: true },
      schema: {
        tags: ["mail"],
        operationId: "showConfirmEmailPage",
        summary: "Show the page to confirm an email address",
        description: "The link of a mail. Changes nothing: programs that check links open it as well.",
        querystring: Query,
        response: { 200: htmlPage("A page with a button."), ...problems(400) },
      },
    },
    async ({ ctx, query }, reply) => {
      const found = await findConfirmation(ctx, query.token);
      if (!found) throw invalidLink();
      return sendPage(reply, 200, {
        title: "Confirm your address?",
        content: html`<p>Rowmill will send mail about the uploads and tasks of the account <b>${found.username}</b> to
${found.address}. If you do not know this account, close this page.</p>
<form method="post" action="?token=${encodeURIComponent(query.token)}"><button>Confirm</button></form>`,
      });
    },
  );

  app.post(
    "/api/v1/confirm-email",
    {
      schema: {
        tags: ["mail"],
        operationId: "confirmEmail",
        summary: "Confirm an email address",
        description:
          "Needs no login: the token proves that the mail has arrived. Repeating the request changes nothing.",
        querystring: Query,
        response: { 200: htmlPage("The address is confirmed."), ...problems(400, 413) },
      },
    },
    async ({ ctx, query }, reply) => {
      const found = await findConfirmation(ctx, query.token);
      if (!found || !(await confirmEmail(ctx, found))) throw invalidLink();
      return sendPage(reply, 200, {
        title: "Your address is confirmed",
        content: html`<p>You get mail about your uploads and tasks from now on. You can choose the kinds in your
<a href="/account?section=notifications">notification preferences</a>.</p>`,
      });
    },
  );
};

function invalidLink(): Error {
  return invalidField(
    "token",
    "is not the token of a mail, or the account has another address now. Copy the whole link, or request a new one.",
  );
}
