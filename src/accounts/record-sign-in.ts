import { recordRepeated } from "../audit/record-repeated.ts";
import type { Context } from "../context.ts";
import type { Account } from "./queries.ts";

/** Entries of one account per outcome and hour. */
const PER_ACCOUNT = 20;
/** Entries of all names together that are no accounts. People type passwords there, so they have no names. */
const UNKNOWN = { id: "unknown", perHour: 100 } as const;

/**
 * Records what a password has shown, in one statement beside the 20 ms that its verification takes. The sign-ins of users
 * are in the list of their sessions: only those of operators and admins have entries.
 */
export async function recordSignIn(
  ctx: Context,
  account: Account | undefined,
  isRight: boolean,
): Promise<void> {
  const action = actionOf(account, isRight);
  if (action === "sign_in.succeeded" && account?.role === "user") return;
  const { id, perHour } = account ? { id: account.id, perHour: PER_ACCOUNT } : UNKNOWN;
  const acting =
    action === "sign_in.succeeded" && account
      ? { ...ctx, actor: { ...account, proof: "password" as const } }
      : ctx;
  await recordRepeated(acting, {
    action,
    subject: { type: "account", id },
    ownerId: account?.id ?? null,
    details: account ? { username: account.username } : {},
    key: id,
    isOneSubject: true,
    perHour,
  });
}

function actionOf(account: Account | undefined, isRight: boolean) {
  if (!isRight || !account) return "sign_in.failed";
  return account.disabledAt === null ? "sign_in.succeeded" : "sign_in.refused";
}
