/** Sends the welcome mail of an account again. A signup sends the first one. */
import Type from "typebox";
import { getAccount } from "../../../accounts/queries.ts";
import { Permanent } from "../../../errors.ts";
import { sendMailNow } from "../../../mails/send/send-mail-now.ts";
import { NumericId } from "../../../platform/http/schemas.ts";
import type { TaskType } from "../task-type.ts";
import { sentenceOf } from "./outcome.ts";

const params = Type.Object({ user_id: NumericId("The id of the account.") });

export const sendWelcomeEmailType: TaskType<typeof params, "none"> = {
  name: "send_welcome_email",
  description: "Sends the welcome email to a user.",
  queue: "notifications",
  params,
  file: "none",
  limits: { timeoutSeconds: 180 },
  role: "admin",

  async run(ctx, { task, params, signal }) {
    const { id, username, email, createdAt } = await getAccount(ctx, params.user_id);
    if (email === "") throw new Permanent("no_address", `The account ${username} has no email address.`);
    const mail = {
      kind: "welcome",
      to: { userId: id, address: email, name: username },
      data: { username, email, registered_at: createdAt.toISOString() },
      key: `task/${task.id}`,
    } as const;
    return { message: sentenceOf("Welcome email", email, await sendMailNow(ctx, mail, signal)) };
  },
};
