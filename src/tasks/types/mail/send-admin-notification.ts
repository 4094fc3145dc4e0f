/** Alerts every admin, by hand or at the end of a chain. */
import Type from "typebox";
import { alertAdmins } from "../../../announcements/alert-admins.ts";
import { inTransaction } from "../../../context.ts";
import { NUL_FREE } from "../../../platform/http/schemas.ts";
import type { TaskType } from "../task-type.ts";

const params = Type.Object({
  subject: Type.String({
    minLength: 1,
    maxLength: 150,
    pattern: NUL_FREE,
    description: "The subject.",
    examples: ["Daily Report"],
  }),
  message: Type.String({
    maxLength: 10_000,
    pattern: NUL_FREE,
    default: "",
    description: "The message.",
    examples: ["Report generated!"],
  }),
});

export const sendAdminNotificationType: TaskType<typeof params, "none"> = {
  name: "send_admin_notification",
  description: "Sends a message to every administrator, in the app, by e-mail, and to webhooks.",
  queue: "notifications",
  params,
  file: "none",
  result: Type.Object({}),
  limits: { timeoutSeconds: 60 },
  role: "admin",

  async run(ctx, { task, params: { subject, message } }) {
    // The key also prevents a second alert if the task is repeated after a crash.
    await inTransaction(ctx, (tx) => alertAdmins(tx, { key: `task/${task.id}`, subject, message }));
    return { message: `Sent "${subject}" to all administrators.` };
  },
};
