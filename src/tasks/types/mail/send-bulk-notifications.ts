/** Sends a message to many people, as a batch whose rows are the recipients. */
import Type, { type Static } from "typebox";
import Value from "typebox/value";
import { getAccount } from "../../../accounts/queries.ts";
import type { StoredBatch } from "../../../batches/queries.ts";
import { receiveUpload } from "../../../batches/receive/receive-upload.ts";
import { UploadOptions } from "../../../batches/receive/upload-options.ts";
import { listRows } from "../../../batches/row-queries.ts";
import type { Context } from "../../../context.ts";
import { Permanent } from "../../../errors.ts";
import { NUL_FREE } from "../../../platform/http/schemas.ts";
import { plural } from "../../../platform/plural.ts";
import { userRole } from "../../../schema/accounts.ts";
import { MAX_MESSAGE, MAX_SUBJECT } from "../../../targets/messages/target.ts";
import { cancelFollowedBatch, followBatch, untilAborted } from "../follow-batch.ts";
import type { TaskInput, TaskType } from "../task-type.ts";
import { accountsAsCsv, addressesOf, namedAsCsv } from "./recipients.ts";

const MAX_NAMED = 1000;
/** The failed recipients in the result. The batch has all. */
const MAX_FAILED = 100;

const NO_SERVER = " No mail server is configured, so the mails are in the outbox.";

const Named = Type.Array(
  Type.Union([
    Type.String({ minLength: 1, maxLength: 150, pattern: NUL_FREE }),
    Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  ]),
  { minItems: 1, maxItems: MAX_NAMED },
);

const params = Type.Object({
  to: Type.Optional(
    Type.Union([Type.Enum(["all", ...userRole.enumValues]), Named], {
      description:
        `The recipients: \`all\` users, a role, or up to ${MAX_NAMED} usernames and ids. Absent: the file of the task is a CSV of ` +
        "recipients, with a column `username` or `email`.",
      examples: ["all"],
    }),
  ),
  subject: Type.String({
    minLength: 1,
    maxLength: MAX_SUBJECT,
    pattern: NUL_FREE,
    description: "The subject.",
    examples: ["Maintenance"],
  }),
  message: Type.String({
    minLength: 1,
    maxLength: MAX_MESSAGE,
    pattern: NUL_FREE,
    description: "The message, as plain text.",
    examples: ["Rowmill is offline tonight from 22:00 to 22:15 UTC."],
  }),
});

export const sendBulkNotificationsType: TaskType<typeof params, "optional"> = {
  name: "send_bulk_notifications",
  description:
    "Sends a message to many people, in the app and by e-mail. Each recipient is a row of a batch with its own retries. The " +
    `result has sent_count, failed_count, the batch, and up to ${MAX_FAILED} failed_emails.`,
  queue: "notifications",
  params,
  file: "optional",
  limits: { timeoutSeconds: 22 * 3600 },
  role: "admin",

  async run(ctx, input) {
    const { batch, counts } = await followBatch(ctx, input, () => createBatch(ctx, input));
    const failedCount = counts.failed + counts.unprocessed;
    return {
      message: `Sent to ${counts.success} of ${plural(counts.total, "recipient")}.${ctx.smtp ? "" : NO_SERVER}`,
      sent_count: counts.success,
      failed_count: failedCount,
      failed_emails: failedCount > 0 ? await failedEmails(ctx, batch) : [],
      batch_id: batch.id,
    };
  },

  onCancelled: cancelFollowedBatch,
};

type Input = TaskInput<typeof params, "optional">;

async function createBatch(ctx: Context, input: Input): Promise<string> {
  const { task, params, signal, checkpoint } = input;
  const { role } = await getAccount(ctx, task.userId);
  const { batch } = await receiveUpload(ctx, {
    userId: task.userId,
    role,
    ...recipientsOf(ctx, input),
    options: optionsOf(params),
    finish: async () => signal.throwIfAborted(),
    onAccepted: (tx, { batch }) => checkpoint(tx, { batch_id: batch.id }),
  });
  return batch.id;
}

/** @throws Permanent `invalid_input` unless the task has either `to` or a file */
function recipientsOf(ctx: Context, { params: { to, subject }, file, signal }: Input) {
  if ((to === undefined) === (file === null))
    throw new Permanent("invalid_input", "Send either `to` or a file of recipients.");
  if (file)
    return { filename: file.name, file: untilAborted(file.chunks(), signal), declaredBytes: file.bytes };
  const recipients = Array.isArray(to) ? namedAsCsv(ctx, to) : accountsAsCsv(ctx, to ?? "all");
  // Notifications and the mail about the end of the batch name the file.
  return { filename: subject, file: untilAborted(recipients, signal), declaredBytes: 0 };
}

function optionsOf({ to, subject, message }: Static<typeof params>): UploadOptions {
  const written = { encoding: "utf-8", delimiter: "comma", quote: '"', escape: "double", header: true };
  const options = {
    target: "messages",
    force: true,
    params: JSON.stringify({ subject, message }),
    row_delay_ms: 0,
    ...(to === undefined ? {} : written),
  };
  return Value.Parse(UploadOptions, Value.Default(UploadOptions, options));
}

/** The addresses of failed rows, or their usernames if they have none. */
async function failedEmails(ctx: Context, batch: StoredBatch): Promise<string[]> {
  const page = { after: 0, limit: MAX_FAILED, isNamed: false };
  const { items: failed } = await listRows(ctx, batch, { ...page, status: "failed" });
  const cell = (fields: readonly string[], column: string) => fields[batch.mapping[column] ?? -1]?.trim();
  const named = failed.map(({ fields }) => ({
    email: cell(fields, "email"),
    username: cell(fields, "username") ?? "",
  }));
  const usernames = named.filter(({ email }) => !email).map(({ username }) => username);
  const addresses = await addressesOf(ctx, usernames);
  return named.map(({ email, username }) => email || addresses.get(username.toLowerCase()) || username);
}
