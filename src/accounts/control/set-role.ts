import { eq } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type Role, users } from "../../schema/accounts.ts";
import { accountsChanged } from "../account-changes.ts";
import { requireOtherAdmin } from "../last-admin.ts";
import { lockAccount } from "../lock-account.ts";
import type { Account } from "../queries.ts";

/**
 * Gives an account another role, which all its sessions and API tokens have within 100 ms. Event streams that were opened
 * with more rights end.
 * @throws DomainError `not_found`; `conflict` for the account of the actor and for the last enabled admin
 */
export function setRole(ctx: Context, userId: number, role: Role): Promise<Account> {
  return inTransaction(ctx, async (tx) => {
    const account = await lockAccount(tx, userId);
    if (account.role === role) return account;
    if (tx.actor?.id === userId)
      throw new DomainError("conflict", "You cannot change your own role. Ask another administrator.");
    await requireOtherAdmin(tx, account, "demoted");
    await tx.db.update(users).set({ role }).where(eq(users.id, userId));
    await accountsChanged(tx, [userId]);
    await recordAudit(tx, {
      action: "account.role_changed",
      subject: { type: "account", id: userId },
      ownerId: userId,
      details: { username: account.username, from: account.role, to: role },
    });
    tx.afterCommit.push(() => ctx.log.info({ userId, role }, "an account got another role"));
    return { ...account, role };
  });
}
