import { eq } from "drizzle-orm";
import { recordOwn } from "../../audit/record-repeated.ts";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";
import { accountsChanged } from "../account-changes.ts";
import { endResets } from "../end-resets.ts";
import { lockAccount } from "../lock-account.ts";
import { hashPassword, requireAcceptable } from "../passwords.ts";
import { endAllSessions } from "../sessions/end-sessions.ts";
import { revokeTokens } from "../tokens/revoke-token.ts";

export interface PasswordChange {
  readonly password: string;
  /** The session that goes on; null: all sessions end. */
  readonly keptSession: string | null;
  readonly by: "owner" | "reset" | "command";
  /** Whether API tokens stay valid. */
  readonly keepsApiTokens: boolean;
  /** The hash that the current password was verified against. Absent: an administrator sets the password. */
  readonly verifiedHash?: string;
}

/**
 * Stores a new password. Ends the other sessions, revokes the API tokens unless they are kept, and ends Basic logins and password resets.
 * @throws DomainError `invalid_input` if the password breaks a rule; `conflict` if it was changed at the same time
 */
export async function changePassword(
  ctx: Context,
  userId: number,
  { password, by, keptSession, keepsApiTokens, verifiedHash }: PasswordChange,
): Promise<void> {
  const passwordHash = await hashPassword(password);
  await inTransaction(ctx, async (tx) => {
    const account = await lockAccount(tx, userId);
    const { username } = account;
    requireAcceptable("new_password", password, { minLength: tx.config.passwordMinLength, username });
    if (verifiedHash !== undefined && account.passwordHash !== verifiedHash)
      throw new DomainError("conflict", "The password was changed at the same time. Log in again.");
    await tx.db.update(users).set({ passwordHash }).where(eq(users.id, userId));
    await endResets(tx, [userId]);
    await endAllSessions(tx, [userId], keptSession);
    if (!keepsApiTokens) await revokeTokens(tx, [userId]);
    await accountsChanged(tx, [userId]);
    await recordOwn(tx, {
      action: "account.password_changed",
      subject: { type: "account", id: userId },
      ownerId: userId,
      details: { username, by, keeps_api_tokens: keepsApiTokens },
    });
  });
  ctx.log.info({ userId }, "a password was changed");
}
