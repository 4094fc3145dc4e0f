import { type Context, inTransaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { addMail } from "../../mails/add-mail.ts";
import { isConfirmed } from "../confirmed-address.ts";
import { getAccount } from "../queries.ts";
import { countUnconfirmed, UNCONFIRMED_PER_HOUR } from "../unconfirmed-limit.ts";

/**
 * Mails a new link to confirm the address of an account.
 * @throws DomainError `conflict` if there is nothing to confirm; `too_many_attempts`
 */
export async function requestConfirmation(ctx: Context, userId: number): Promise<void> {
  const account = await getAccount(ctx, userId);
  const { id, username, email } = account;
  if (email === "") throw new DomainError("conflict", "Your account has no email address.");
  if (isConfirmed(ctx, account))
    throw new DomainError("conflict", "Your email address is already confirmed.");
  const seconds = await countUnconfirmed(ctx, "confirmation", email);
  if (seconds > 0)
    throw new DomainError(
      "too_many_attempts",
      `An address gets ${UNCONFIRMED_PER_HOUR} such mails per hour. Use the link of the last one, or try again in ${Math.ceil(seconds / 60)} minute(s).`,
      { retryAfterSeconds: seconds },
    );
  await inTransaction(ctx, (tx) =>
    addMail(tx, {
      kind: "confirm_email",
      to: { userId: id, address: email, name: username },
      data: { username, email },
    }),
  );
}
