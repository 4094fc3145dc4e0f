import type { Context } from "../context.ts";
import { DomainError, invalidField } from "../errors.ts";
import { postgresError } from "../platform/postgres/database.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import type { Caller, Role } from "../schema/accounts.ts";
import { users } from "../schema/accounts.ts";
import { isEmail } from "./emails.ts";
import { hashPassword } from "./passwords.ts";
import { cleanUsername, isReserved } from "./usernames.ts";

export interface SignUp {
  readonly username: string;
  readonly password: string;
  /** Empty if it is unknown. */
  readonly email: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly role?: Role;
  /** The minimum length in code points. */
  readonly passwordMinLength: number;
}

/** @throws DomainError `invalid_input` if a field breaks a rule; `conflict` if the name is taken, ignoring case */
export async function signUp(
  ctx: Context,
  { username, password, email, firstName, lastName, role = "user", passwordMinLength }: SignUp,
): Promise<Caller> {
  const name = cleanUsername(username);
  if (name === "") throw invalidField("username", "must not be empty.");
  if (isReserved(name)) throw invalidField("username", "is reserved. Choose another name.");
  if (email !== "" && !isEmail(email))
    throw invalidField("email", "must be an email address, such as ada@example.com.");
  if ([...password].length < passwordMinLength) {
    throw invalidField("password", `must have at least ${passwordMinLength} characters.`);
  }
  const passwordHash = await hashPassword(password);
  try {
    const [user] = await ctx.db
      .insert(users)
      .values({ username: name, passwordHash, email, firstName, lastName, role })
      .returning({ id: users.id, username: users.username, role: users.role });
    if (!user) throw new Error("The insert into rowmill.users returned no row.");
    return user;
  } catch (error) {
    if (postgresError(error)?.code !== SQLSTATE.uniqueViolation) throw error;
    const message = "is already taken. Choose another name, or log in.";
    throw new DomainError("conflict", `username: ${message}`, {
      fieldErrors: { username: [message] },
      cause: error,
    });
  }
}
