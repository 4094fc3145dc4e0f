import { eq } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";
import { accountsChanged } from "../account-changes.ts";
import { endResets } from "../end-resets.ts";
import { requireOtherAdmin } from "../last-admin.ts";
import { lockAccount } from "../lock-account.ts";
import type { Account } from "../queries.ts";
import { endAllSessions } from "../sessions/end-sessions.ts";

/**
 * Refuses an account with all its credentials, and ends its sessions. Its API tokens work again when it is enabled. Its
 * batches and tasks go on.
 * @throws DomainError `not_found`; `conflict` for the account of the actor and for the last enabled admin
 */
export function disableAccount(ctx: Context, userId: number): Promise<Account> {
  if (ctx.actor?.id === userId)
    throw new DomainError("conflict", "You cannot disable your own account. Ask another administrator.");
  return setDisabledAt(ctx, userId, ctx.now(), async (tx) => {
    await endAllSessions(tx, [userId]);
    await endResets(tx, [userId]);
  });
}

/** @throws DomainError `not_found` */
export function enableAccount(ctx: Context, userId: number): Promise<Account> {
  return setDisabledAt(ctx, userId, null, async () => {});
}

function setDisabledAt(
  ctx: Context,
  userId: number,
  disabledAt: Date | null,
  also: (tx: Tx) => Promise<unknown>,
): Promise<Account> {
  return inTransaction(ctx, async (tx) => {
    const account = await lockAccount(tx, userId);
    if ((account.disabledAt === null) === (disabledAt === null)) return account;
    if (disabledAt !== null) await requireOtherAdmin(tx, account, "disabled");
    await tx.db.update(users).set({ disabledAt }).where(eq(users.id, userId));
    await also(tx);
    await accountsChanged(tx, [userId]);
    await recordAudit(tx, {
      action: disabledAt === null ? "account.enabled" : "account.disabled",
      subject: { type: "account", id: userId },
      ownerId: userId,
      details: { username: account.username, role: account.role },
    });
    const message = disabledAt ? "an account was disabled" : "an account was enabled";
    tx.afterCommit.push(() => ctx.log.info({ userId }, message));
    return { ...account, disabledAt };
  });
}
