import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import { verifyPassword } from "./passwords.ts";
import { type Account, findByName } from "./queries.ts";

export interface LogIn {
  readonly username: string;
  readonly password: string;
  /** The IP address of the client, which the throttle counts by. */
  readonly address: string;
}

/**
 * @throws DomainError `unauthenticated` with the same message for a wrong name and a wrong password;
 * `too_many_attempts` if the throttle refuses the attempt
 */
export async function logIn(
  ctx: Context,
  throttle: LoginThrottle,
  { username, password, address }: LogIn,
): Promise<Account> {
  await throttle.countAttempt(username, address);
  const account = await findByName(ctx, username);
  if (!(await verifyPassword(account?.passwordHash, password)) || !account) throw wrongLogin();
  await throttle.recordSuccess(username, address);
  return account;
}

export function wrongLogin(): DomainError {
  return new DomainError("unauthenticated", "Wrong username or password.");
}
