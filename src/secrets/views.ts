import Type, { type Static } from "typebox";
import { Moment, NullableMoment, nullable } from "../platform/http/schemas.ts";
import { HEADER_VALUE } from "../platform/http-client/check-request.ts";
import { MIN_SECRET } from "../platform/http-client/redact.ts";
import { NAME_RULE, SECRET_NAME } from "./names.ts";
import type { ListedSecret } from "./queries.ts";

export const SecretName = Type.String({
  pattern: SECRET_NAME,
  description: `The name ${NAME_RULE}.`,
  examples: ["CRM_TOKEN"],
});

const HOST = "^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?$";

const hosts = Type.Array(Type.String({ maxLength: 260, pattern: HOST }), {
  maxItems: 10,
  description: "The hosts that may receive the value, with or without a port. Empty: any host.",
  examples: [["api.example.com"]],
});

const isShared = Type.Boolean({
  description:
    "Whether requests of all users may have the value. They need at least one host. false: only requests of admins.",
});

export const SecretBody = Type.Object(
  {
    value: Type.String({
      minLength: MIN_SECRET,
      maxLength: 4096,
      pattern: HEADER_VALUE,
      description: `The value: from ${MIN_SECRET} to 4096 visible ASCII characters. No answer shows it again.`,
      examples: ["sk_live_51f8c0a7"],
    }),
    hosts: Type.Optional(hosts),
    is_shared: Type.Optional(isShared),
  },
  { additionalProperties: false },
);

export const SecretView = Type.Object(
  {
    name: SecretName,
    hosts,
    is_shared: isShared,
    set_at: Moment("When the value was set."),
    set_by: nullable(Type.Integer(), "The id of the admin who set it. null: a command did."),
    set_by_username: nullable(Type.String(), "The username of this admin."),
    last_used_at: NullableMoment(
      "When a request last had the value, up to a minute late. null: since it was set, none.",
    ),
  },
  {
    description: "A secret, without its value.",
    examples: [
      {
        ...{ name: "CRM_TOKEN", hosts: ["api.example.com"], is_shared: false },
        ...{ set_at: "2026-11-26T08:00:00.000Z", set_by: 1, set_by_username: "ada", last_used_at: null },
      },
    ],
  },
);

export type SecretView = Static<typeof SecretView>;

export function viewSecret(secret: ListedSecret): SecretView {
  return {
    ...{ name: secret.name, hosts: secret.hosts, is_shared: secret.isShared },
    ...{ set_at: secret.setAt.toISOString(), set_by: secret.setBy, set_by_username: secret.setByName },
    last_used_at: secret.lastUsedAt?.toISOString() ?? null,
  };
}
