/** Changes of accounts, for administrators. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import Type from "typebox";
import type { Context } from "../context.ts";
import { refuseApiToken } from "../platform/http/auth.ts";
import { problems } from "../platform/http/errors.ts";
import { NumericId } from "../platform/http/schemas.ts";
import { userRoutes } from "../platform/http/user-routes.ts";
import { userRole } from "../schema/accounts.ts";
import { hasConfirmed } from "./confirmed-address.ts";
import { disableAccount, enableAccount } from "./control/disable-account.ts";
import { logOutEverywhere, revokeAllTokens } from "./control/end-logins.ts";
import { setRole } from "./control/set-role.ts";
import { getAccount } from "./queries.ts";
import { mailPasswordReset } from "./reset/mail-reset.ts";
import { NewAccount } from "./schemas.ts";
import { signUp } from "./sign-up.ts";
import { ManagedAccountView, viewAccount } from "./views.ts";

const Params = Type.Object({ id: NumericId("The id of the account.") });

const Role = Type.Enum([...userRole.enumValues], {
  description: "operator and admin may call the admin endpoints; admin may also manage accounts.",
});

const NewManagedAccount = Type.Object(
  {
    ...NewAccount.properties,
    password: Type.Optional(NewAccount.properties.password),
    role: Type.Enum([...userRole.enumValues], { default: "user", description: "The role." }),
  },
  { additionalProperties: false },
);

const AccountChanges = Type.Object({ role: Role }, { additionalProperties: false });

const ResetStarted = Type.Object(
  {
    email: Type.String({ description: "The address that gets the link.", examples: ["ada@example.com"] }),
    email_confirmed: Type.Boolean({
      description: "false: nobody has confirmed the address, so it may belong to somebody else.",
    }),
  },
  { description: "The mail is in the outbox." },
);

const STATES = {
  disable: {
    summary: "Disable an account",
    description:
      "Refuses the account with all its credentials within 100 ms: 403 `account_disabled`. Its sessions and event streams " +
      "end. Its API tokens work again after it is enabled. Its batches and tasks go on; cancel them if they must not. " +
      "409 for your own account, and for the last enabled administrator.",
    run: disableAccount,
  },
  enable: {
    summary: "Enable a disabled account",
    description: "Allows logins and API tokens again. Sessions that have ended stay ended.",
    run: enableAccount,
  },
} as const;

export function accountAdminRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return userRoutes(ctx, { tags: ["admin"], roles: ["admin"] }, (app, shared) => {
    app.post(
      "/api/v1/accounts",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "createAccount",
          summary: "Create an account",
          description:
            "Its email address counts as confirmed, and gets no welcome mail. Without a password, nobody can log in: send " +
            "POST /api/v1/accounts/{id}/password-reset, which mails a link to choose one.",
          body: NewManagedAccount,
          response: { 201: ManagedAccountView, ...problems(400, 401, 403, 409, 413, 415) },
        },
      },
      async ({ ctx, body }, reply) => {
        const { username, password = null, email, role } = body;
        const { passwordMinLength } = ctx.config;
        const account = { username, password, email, role, passwordMinLength, isConfirmed: email !== "" };
        const { id } = await signUp(ctx, account);
        return reply.code(201).send(viewAccount(await getAccount(ctx, id)));
      },
    );

    app.patch(
      "/api/v1/accounts/:id",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "updateAccount",
          summary: "Change the role of an account",
          description:
            "All sessions and API tokens of the account have the role within 100 ms. Event streams that were opened with more " +
            "rights end. 409 for your own account, and for the last enabled administrator.",
          params: Params,
          body: AccountChanges,
          response: { 200: ManagedAccountView, ...problems(400, 401, 403, 404, 409, 413, 415) },
        },
      },
      async ({ ctx, params, body }) => viewAccount(await setRole(ctx, params.id, body.role)),
    );

    app.post(
      "/api/v1/accounts/:id/password-reset",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "resetAccountPassword",
          summary: "Mail a password reset to an account",
          description:
            "Mails a link to choose a new password to the address of the account. You do not see the link. The old password " +
            "works until then. 409 if the account is disabled or has no address, or if no mail server is configured. An account " +
            "gets at most three links per hour.",
          params: Params,
          response: { 202: ResetStarted, ...problems(400, 401, 403, 404, 409, 429) },
        },
      },
      async ({ ctx, params }, reply) => {
        const account = await mailPasswordReset(ctx, params.id);
        return reply.code(202).send({ email: account.email, email_confirmed: hasConfirmed(account) });
      },
    );

    for (const [name, { summary, description, run }] of Object.entries(STATES)) {
      app.post(
        `/api/v1/accounts/:id/${name}`,
        {
          onRequest: refuseApiToken,
          schema: {
            ...shared,
            operationId: `${name}Account`,
            summary,
            description: `${description} Repeating the request changes nothing.`,
            params: Params,
            response: { 200: ManagedAccountView, ...problems(400, 401, 403, 404, 409) },
          },
        },
        async ({ ctx, params }) => viewAccount(await run(ctx, params.id)),
      );
    }

    app.delete(
      "/api/v1/accounts/:id/sessions",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "logOutAccount",
          summary: "Log out an account everywhere",
          description: "Ends all sessions of the account within 100 ms. API tokens and passwords stay valid.",
          params: Params,
          response: { 200: countOf("ended", "sessions that ended"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => ({ ended: await logOutEverywhere(ctx, params.id) }),
    );

    app.delete(
      "/api/v1/accounts/:id/tokens",
      {
        onRequest: refuseApiToken,
        schema: {
          ...shared,
          operationId: "revokeAccountTokens",
          summary: "Revoke all API tokens of an account",
          description: "The tokens stop working at once, and their event streams end.",
          params: Params,
          response: { 200: countOf("revoked", "revoked tokens"), ...problems(400, 401, 403, 404) },
        },
      },
      async ({ ctx, params }) => ({ revoked: await revokeAllTokens(ctx, params.id) }),
    );
  });
}

function countOf<N extends string>(name: N, what: string) {
  const count = Type.Integer({ description: `The number of ${what}.`, examples: [2] });
  return Type.Object({ [name]: count } as Record<N, typeof count>, { description: "Done." });
}
