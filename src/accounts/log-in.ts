import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { PasswordLogin } from "../platform/http/auth.ts";
import { knownDevice } from "./known-devices.ts";
import { verifyThrottled } from "./login-throttle.ts";
import { verifyPassword } from "./passwords.ts";
import { type Account, findForLogin } from "./queries.ts";
import { recordSignIn } from "./record-sign-in.ts";

/**
 * @throws DomainError `unauthenticated` with the same message for a wrong name and a wrong password;
 * `too_many_attempts` if the throttle refuses the attempt
 */
export async function logIn(
  ctx: Context,
  { username, password, address, requestId, cookies }: PasswordLogin,
): Promise<Account> {
  const { account, foldedName } = await findForLogin(ctx, username);
  const source = {
    account: account?.id ?? foldedName,
    address,
    device: account ? knownDevice(ctx.config, cookies, account.id) : null,
  };
  let outcome: "right" | "wrong" | "not verified" = "not verified";
  try {
    const isRight = await verifyThrottled(ctx, source, () => verifyPassword(account?.passwordHash, password));
    outcome = isRight ? "right" : "wrong";
    await recordSignIn({ ...ctx, address, requestId }, account, isRight);
    if (!isRight || !account) throw wrongLogin();
    return account;
  } finally {
    ctx.log.info({ userId: account?.id ?? null, address, outcome }, "a password was sent");
  }
}

export function wrongLogin(): DomainError {
  return new DomainError("unauthenticated", "Wrong username or password.");
}
