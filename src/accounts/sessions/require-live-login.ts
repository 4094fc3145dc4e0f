import { eq } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { type Login, sessionEnded } from "../../platform/http/auth.ts";
import { sessions } from "../../schema/accounts.ts";
import { wrongLogin } from "../log-in.ts";
import type { Account } from "../queries.ts";

/**
 * Checks again, with the account locked, that the login of a request has not ended since the request was authenticated.
 * Otherwise a new credential could outlive a change of the password.
 * @throws DomainError `unauthenticated`
 */
export async function requireLiveLogin(tx: Tx, account: Account, login: Login): Promise<void> {
  if (login.proof === "password" && login.passwordHash !== account.passwordHash) throw wrongLogin();
  if (login.proof !== "access_token") return;
  const [session] = await tx.db
    .select({ endedAt: sessions.endedAt })
    .from(sessions)
    .where(eq(sessions.id, login.sessionId));
  if (!session || session.endedAt !== null) throw sessionEnded();
}
