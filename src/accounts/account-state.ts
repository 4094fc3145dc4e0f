import { DomainError } from "../errors.ts";

/**
 * Only clients that have proved that the account is theirs may see this error.
 * @throws DomainError `account_disabled`
 */
export function requireEnabled({ disabledAt }: { readonly disabledAt: Date | null }): void {
  if (disabledAt === null) return;
  throw new DomainError("account_disabled", "Your account is disabled. Ask an administrator to enable it.");
}

/** For a client whose account was removed while its request ran. */
export function accountGone(): DomainError {
  return new DomainError("unauthenticated", "Your account no longer exists.");
}
