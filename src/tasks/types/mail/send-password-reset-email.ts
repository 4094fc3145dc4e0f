/** Mails a link to choose a new password, as if the user had asked for it. */
import Type from "typebox";
import { getAccount } from "../../../accounts/queries.ts";
import { startPasswordReset } from "../../../accounts/reset/start-password-reset.ts";
import { inTransaction } from "../../../context.ts";
import { Permanent } from "../../../errors.ts";
import { NumericId } from "../../../platform/http/schemas.ts";
import type { TaskType } from "../task-type.ts";

const params = Type.Object({ user_id: NumericId("The id of the account.") });

export const sendPasswordResetEmailType: TaskType<typeof params, "none"> = {
  name: "send_password_reset_email",
  description:
    "Sends a user a link to choose a new password. The link works once, for one hour. An account gets at most three per hour.",
  queue: "notifications",
  params,
  file: "none",
  limits: { timeoutSeconds: 60 },
  role: "admin",

  async run(ctx, { task, params, checkpoint }) {
    const { username, email, disabledAt } = await getAccount(ctx, params.user_id);
    if (email === "") throw new Permanent("no_address", `The account ${username} has no email address.`);
    if (disabledAt) throw new Permanent("account_disabled", `The account ${username} is disabled.`);
    if (!task.result) {
      await inTransaction(ctx, async (tx) => {
        await startPasswordReset(tx, { username });
        await checkpoint(tx, { is_added: true });
      });
    }
    return { message: `Password reset email for ${email} added to the outbox` };
  },
};
