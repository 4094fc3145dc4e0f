import type { Context } from "../context.ts";
import type { Verifiers } from "../platform/http/auth.ts";
import { rememberedLogins } from "./remembered-logins.ts";
import { verifyApiToken } from "./tokens/verify-api-token.ts";

/** Verifies the credentials of requests, for `registerAuth`. */
export function verifiers(ctx: Context): Verifiers {
  return {
    password: rememberedLogins(ctx),
    apiToken: (token, log) => verifyApiToken({ ...ctx, log }, token),
  };
}
