import Type, { type Static } from "typebox";
import { Moment, NullableMoment } from "../../platform/http/schemas.ts";
import type { StoredToken } from "./api-tokens.ts";

export const TokenView = Type.Object({
  id: Type.Integer({ description: "The id of the token." }),
  name: Type.String({ description: "The purpose of the token.", examples: ["nightly import"] }),
  hint: Type.String({ description: "The last characters of the token.", examples: ["x9Zk"] }),
  created_at: Moment("When the token was created."),
  expires_at: NullableMoment("When the token expires. null: never."),
  last_used_at: NullableMoment("When the token was last used, to the minute. null: never."),
});
export type TokenView = Static<typeof TokenView>;

export const CreatedTokenView = Type.Object(
  {
    ...TokenView.properties,
    token: Type.String({
      description: "Send it as `Authorization: Token` or `Bearer`. It is shown only once.",
      examples: ["rmt_Jx0tV3kq9mPz"],
    }),
  },
  { description: "The token is created." },
);

export function viewToken({ id, name, hint, createdAt, expiresAt, lastUsedAt }: StoredToken): TokenView {
  return {
    id,
    name,
    hint,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}
