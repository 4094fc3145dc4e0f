import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import { verifyPassword } from "./passwords.ts";
import { type Account, findByName } from "./queries.ts";

export interface LogIn {
  readonly username: string;
  readonly password: string;
  /** The client's, for the throttle. */
  readonly address: string;
}

/** @throws DomainError `unauthenticated`, the same for a wrong name and a wrong password, or `too_many_attempts` */
export async function logIn(
  ctx: Context,
  throttle: LoginThrottle,
  { username, password, address }: LogIn,
): Promise<Account> {
  await throttle.begin(username, address);
  const account = await findByName(ctx, username);
  if (!(await verifyPassword(account?.passwordHash, password)) || !account) throw wrongLogin();
  await throttle.succeeded(username, address);
  return account;
}

export function wrongLogin(): DomainError {
  return new DomainError("unauthenticated", "Wrong username or password.");
}
