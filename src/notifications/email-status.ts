import type { Static } from "typebox";
import { isConfirmed } from "../accounts/confirmed-address.ts";
import { getAccount } from "../accounts/queries.ts";
import type { Context } from "../context.ts";
import { refusalOf } from "../mails/outbox/queries.ts";
import type { EmailStatus } from "./views.ts";

/** Whether mail about the work of a user reaches the user. */
export async function emailStatusOf(ctx: Context, userId: number): Promise<Static<typeof EmailStatus>> {
  const account = await getAccount(ctx, userId);
  if (account.email === "") return "none";
  if (await refusalOf(ctx, account.email)) return "refused";
  return isConfirmed(ctx, account) ? "confirmed" : "unconfirmed";
}
