import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { hasConfirmed } from "../confirmed-address.ts";
import { lockAccount } from "../lock-account.ts";
import type { Account } from "../queries.ts";
import { UNCONFIRMED_PER_HOUR } from "../unconfirmed-limit.ts";
import { countReset, MAILS_PER_HOUR, mailLink } from "./start-password-reset.ts";

/**
 * Mails a link to one account, for an admin, who never sees it.
 * @throws DomainError `conflict` if no mail can arrive; `too_many_attempts`
 */
export function mailPasswordReset(ctx: Context, userId: number): Promise<Account> {
  return inTransaction(ctx, async (tx) => {
    const account = await lockAccount(tx, userId);
    const { username, email } = account;
    const problem = problemOf(tx, account);
    if (problem) throw new DomainError("conflict", `"${username}" gets no link: ${problem}`);
    const seconds = await countReset(tx, account);
    if (seconds > 0)
      throw new DomainError(
        "too_many_attempts",
        `"${username}" got several links in this hour: at most ${MAILS_PER_HOUR} go to an account per hour, and ` +
          `${UNCONFIRMED_PER_HOUR} to an address that is not confirmed. Try again in ${Math.ceil(seconds / 60)} minute(s).`,
        { retryAfterSeconds: seconds },
      );
    await mailLink(tx, account);
    await recordAudit(tx, {
      action: "account.password_reset_requested",
      subject: { type: "account", id: userId },
      ownerId: userId,
      details: { username, email, email_confirmed: hasConfirmed(account) },
    });
    return account;
  });
}

function problemOf({ smtp }: Tx, { email, disabledAt }: Account): string | null {
  if (disabledAt !== null) return "the account is disabled. Enable it first.";
  if (email === "")
    return "the account has no email address. Set a password with `npm run cli -- accounts set-password`.";
  if (!smtp)
    return "no mail server is configured (SMTP_URL). Set a password with `npm run cli -- accounts set-password`.";
  return null;
}
