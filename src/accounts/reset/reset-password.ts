import { eq } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { passwordResets, users } from "../../schema/accounts.ts";
import { changePassword } from "../control/change-password.ts";
import { lockAccount } from "../lock-account.ts";
import { isValid } from "./start-password-reset.ts";

/**
 * Sets the password of the account whose owner got the link. Ends all sessions and revokes all API tokens.
 * @throws DomainError `invalid_input` if the link was used, replaced or has expired, or if the password breaks a rule; then
 * the link stays valid
 */
export async function resetPassword(
  ctx: Context,
  { token, password }: { readonly token: string; readonly password: string },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const [found] = await tx.db
      .select({ userId: passwordResets.userId })
      .from(passwordResets)
      .where(isValid(token));
    if (!found) throw invalidLink();
    const { disabledAt } = await lockAccount(tx, found.userId);
    // Another request may have used or replaced the link meanwhile.
    const { rowCount } = await tx.db.delete(passwordResets).where(isValid(token));
    if (rowCount !== 1 || disabledAt !== null) throw invalidLink();
    // A change of the address ends the link, so the mail has arrived at this address.
    await tx.db.update(users).set({ confirmedEmail: users.email }).where(eq(users.id, found.userId));
    await changePassword(tx, found.userId, {
      password,
      by: "reset",
      keptSession: null,
      keepsApiTokens: false,
    });
  });
}

function invalidLink(): Error {
  return invalidField(
    "token",
    "is wrong, used, replaced by a newer link, or has expired. Request a new link.",
  );
}
