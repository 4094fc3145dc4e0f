import { publishChange, type Tx } from "../context.ts";

/** The payload is the id of the account. */
export const ACCOUNT_CHANNEL = "rowmill_account";

/**
 * Publishes, at the commit, that accounts or their sessions have changed. Call it in every transaction that changes a role
 * or a password, disables or enables an account, or ends a session: API processes cache these facts.
 */
export function accountsChanged(tx: Tx, userIds: readonly number[]): Promise<void> {
  return publishChange(tx, ACCOUNT_CHANNEL, userIds.map(String));
}
