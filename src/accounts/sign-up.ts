import { recordAudit } from "../audit/record-audit.ts";
import { type Context, inTransaction, type Tx } from "../context.ts";
import { DomainError, invalidField } from "../errors.ts";
import { addMail } from "../mails/add-mail.ts";
import { isEmail } from "../mails/addresses.ts";
import { postgresError } from "../platform/postgres/database.ts";
import { SQLSTATE } from "../platform/sqlstates.ts";
import type { Caller, Role } from "../schema/accounts.ts";
import { users } from "../schema/accounts.ts";
import { hashPassword, NO_PASSWORD, requireAcceptable } from "./passwords.ts";
import { countSignup } from "./signup-throttle.ts";
import { countUnconfirmed } from "./unconfirmed-limit.ts";
import { cleanUsername, usernameProblem } from "./usernames.ts";

export interface SignUp {
  readonly username: string;
  /** null: nobody can log in before a password is set. */
  readonly password: string | null;
  /** Empty if it is unknown. */
  readonly email: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly role?: Role;
  /** The minimum length in code points. With 1, every password is accepted. */
  readonly passwordMinLength: number;
  /** The IP address of the client, for SIGNUPS_PER_HOUR; absent on the command line. */
  readonly address?: string;
  /** Whether an admin has given the email address. Such an account gets no welcome mail. */
  readonly isConfirmed?: boolean;
}

/**
 * @throws DomainError `invalid_input` if a field breaks a rule; `conflict` if the name is taken, ignoring case;
 * `too_many_attempts` if the address has created too many accounts
 */
export async function signUp(ctx: Context, account: SignUp): Promise<Caller> {
  const { username, password, email, firstName, lastName, role = "user" } = account;
  const { address, isConfirmed = false } = account;
  const name = cleanUsername(username);
  const wrongName = usernameProblem(name);
  if (wrongName) throw invalidField("username", wrongName);
  if (email !== "" && !isEmail(email))
    throw invalidField("email", "must be an email address, such as ada@example.com.");
  const rules = { minLength: account.passwordMinLength, username: name };
  if (password !== null) requireAcceptable("password", password, rules);
  if (address !== undefined) await countSignup(ctx, address);
  const passwordHash = password === null ? NO_PASSWORD : await hashPassword(password);
  const isWelcomed =
    email !== "" && !isConfirmed && (await countUnconfirmed(ctx, "confirmation", email)) === 0;
  const person = { username: name, email, firstName, lastName };
  try {
    const user = await inTransaction(ctx, async (tx) => {
      const [added] = await tx.db
        .insert(users)
        .values({ ...person, role, passwordHash, confirmedEmail: isConfirmed ? email : "" })
        .returning({ id: users.id, username: users.username, role: users.role, createdAt: users.createdAt });
      if (!added) throw new Error("The insert into rowmill.users returned no row.");
      const { createdAt, ...caller } = added;
      await recordCreation(tx, caller);
      if (isWelcomed) await welcome(tx, { ...caller, email, createdAt });
      return caller;
    });
    ctx.log.info({ userId: user.id, address }, "an account was created");
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

/** The request log has the sign-ups of strangers. */
async function recordCreation(tx: Tx, { id, username, role }: Caller): Promise<void> {
  if (!tx.actor && tx.commandLine === null) return;
  const details = { username, role, by: tx.actor ? "admin" : "command" };
  await recordAudit(tx, {
    action: "account.created",
    subject: { type: "account", id },
    ownerId: id,
    details,
  });
}

interface NewUser extends Caller {
  readonly email: string;
  readonly createdAt: Date;
}

/** Without the first name, which can be any text: perhaps the address belongs to someone else. */
async function welcome(tx: Tx, { id, username, email, createdAt }: NewUser): Promise<void> {
  await addMail(tx, {
    kind: "welcome",
    to: { userId: id, address: email, name: username },
    data: { username, email, registered_at: createdAt.toISOString() },
    key: `welcome/${id}`,
  });
}
