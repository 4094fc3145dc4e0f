/** The schemas of accounts and logins in the API. */
import Type, { type Static } from "typebox";
import { Moment, NullableMoment, nullable } from "../platform/http/schemas.ts";
import { hasConfirmed } from "./confirmed-address.ts";
import type { Account } from "./queries.ts";

const UserView = Type.Object({
  id: Type.Integer({ description: "The id of the user." }),
  username: Type.String({ description: "The name to log in with.", examples: ["ada"] }),
  role: Type.Enum(["user", "operator", "admin"], {
    description: "operator and admin may call the admin endpoints; admin may also manage accounts.",
  }),
});

const AccountView = Type.Object({
  ...UserView.properties,
  email: Type.String({ description: "The email address, or empty.", examples: ["ada@example.com"] }),
  email_confirmed: Type.Boolean({
    description:
      "Whether its owner has confirmed the address, or an admin has given it. Until then, only mails about the account go to " +
      "it, unless EMAIL_CONFIRMATION is off.",
  }),
  first_name: Type.String({ description: "The first name, or empty.", examples: ["Ada"] }),
  last_name: Type.String({ description: "The last name, or empty.", examples: ["Lovelace"] }),
});

/** The account as its user sees it. */
export const OwnAccountView = Type.Object(
  {
    ...AccountView.properties,
    email_refusal: nullable(
      Type.String({ examples: ["550 5.1.1 No such mailbox"] }),
      "Why Rowmill sends no mail to the address: the answer of its mail server. null: it sends mail.",
    ),
  },
  { description: "Your account." },
);

export const SessionView = Type.Object(
  {
    access: Type.String({
      description: "The access token. Send it as `Authorization: Bearer`.",
      examples: ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.k5J2"],
    }),
    refresh: Type.String({
      description: "The refresh token. Send it once to POST /api/v1/auth/refresh.",
      examples: ["yTq0p4n7r9s2"],
    }),
    expires_in: Type.Integer({
      description: "The number of seconds that `access` is valid.",
      examples: [900],
    }),
    user: UserView,
  },
  { description: "You are logged in." },
);

/** A session whose tokens are in cookies, out of the reach of scripts. */
export const BrowserSessionView = Type.Object(
  {
    expires_in: Type.Integer({
      description: "The number of seconds until the cookie of the access token expires.",
      examples: [900],
    }),
    user: UserView,
  },
  { description: "You are logged in by cookies." },
);

/** An account as administrators see it. */
export const ManagedAccountView = Type.Object({
  ...AccountView.properties,
  created_at: Moment("When the account was created."),
  disabled_at: NullableMoment("When the account was disabled. null: it is enabled."),
});

export function viewAccount(account: Account): Static<typeof ManagedAccountView> {
  const { id, username, role, email, firstName, lastName, createdAt, disabledAt } = account;
  return {
    id,
    username,
    role,
    email,
    email_confirmed: hasConfirmed(account),
    first_name: firstName,
    last_name: lastName,
    created_at: createdAt.toISOString(),
    disabled_at: disabledAt?.toISOString() ?? null,
  };
}
