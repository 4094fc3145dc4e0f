import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { Caller } from "../platform/http/auth.ts";
import { users } from "../schema/accounts.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import { verifyPassword } from "./passwords.ts";
import { cleanUsername } from "./usernames.ts";

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
): Promise<Caller> {
  await throttle.begin(username, address);
  const [user] = await ctx.db
    .select()
    .from(users)
    .where(sql`lower(${users.username}) = lower(${cleanUsername(username)})`);
  if (!(await verifyPassword(user?.passwordHash, password)) || !user) {
    throw new DomainError("unauthenticated", "Wrong username or password.");
  }
  await throttle.succeeded(username, address);
  return { id: user.id, username: user.username, role: user.role };
}
