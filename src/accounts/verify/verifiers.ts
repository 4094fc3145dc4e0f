import type { Context } from "../../context.ts";
import type { Verifiers } from "../../platform/http/auth.ts";
import { callerOf } from "../queries.ts";
import { rememberedLogins } from "../remembered-logins.ts";
import { verifyApiToken } from "../tokens/verify-api-token.ts";
import { loginWatcher } from "./login-watcher.ts";
import { sessionReader } from "./session-reader.ts";

/** Verifies the credentials of requests, for `registerAuth`. */
export function verifiers(ctx: Context): Verifiers {
  const verifyPassword = rememberedLogins(ctx);
  return {
    async password(login) {
      const account = await verifyPassword(login);
      return { proof: "password", user: callerOf(account), passwordHash: account.passwordHash };
    },
    apiToken: (token, log) => verifyApiToken({ ...ctx, log }, token),
    session: sessionReader(ctx),
    watch: loginWatcher(ctx),
  };
}
