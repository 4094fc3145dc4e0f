import { afterAll, describe, expect, test } from "vitest";
import { alertAdmins } from "../../../src/announcements/alert-admins.ts";
import { inTransaction } from "../../../src/context.ts";
import { accountsAsCsv } from "../../../src/tasks/types/mail/recipients.ts";
import type { TaskView } from "../../../src/tasks/views.ts";
import { newAdmin } from "../../support/admin.ts";
import type { Problem } from "../../support/client.ts";
import { storedFile } from "../../support/files.ts";
import { MailServer } from "../../support/mail-server.ts";
import { makeTask, untilEnded } from "../../support/task-client.ts";
import { until } from "../../support/until.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";
import { giveEmail } from "../../support/with-email.ts";

const server = await new MailServer().start();
afterAll(() => server[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: server.settings, worker: true });
const admin = useAdmin(rowmill);
const user = useUserPerTest(rowmill);

const NEWS = { subject: "Maintenance", message: "Offline tonight." };

async function run(type: string, params: object, more: object = {}): Promise<TaskView> {
  const { id } = await makeTask(admin, { type, params, ...more });
  return untilEnded(admin, id);
}

describe("send_welcome_email", () => {
  test("send_welcome_email sends the mail and says so in the words of the replaced service", async () => {
    const email = await giveEmail(rowmill.ctx, user);
    const task = await run("send_welcome_email", { user_id: user.userId });
    expect(task).toMatchObject({
      status: "completed",
      result: { message: `Welcome email sent to ${email}` },
    });
    expect(server.mailsTo(email)).toHaveLength(1);
  });

  test("fails for an account without an address, an unknown account, and a refused address", async () => {
    expect(await run("send_welcome_email", { user_id: user.userId })).toMatchObject({
      status: "failed",
      error_code: "no_address",
    });
    expect(await run("send_welcome_email", { user_id: 999_999 })).toMatchObject({ error_code: "not_found" });
    server.answerTo(await giveEmail(rowmill.ctx, user), 550);
    expect(await run("send_welcome_email", { user_id: user.userId })).toMatchObject({
      status: "failed",
      error_code: "mail_refused",
    });
  });
});

test("send_password_reset_email sends a link that sets a new password", async () => {
  const email = await giveEmail(rowmill.ctx, user);
  const task = await run("send_password_reset_email", { user_id: user.userId });
  expect(task.result).toEqual({ message: `Password reset email for ${email} added to the outbox` });
  const mail = await until("the mail is there", async () => server.mailsTo(email)[0] ?? null);
  expect(mail.content).toContain("/reset-password#");
  await admin.post(`/api/v1/accounts/${user.userId}/disable`);
  expect(await run("send_password_reset_email", { user_id: user.userId })).toMatchObject({
    error_code: "account_disabled",
  });
});

test("send_admin_notification tells every admin once, also if the task is repeated", async () => {
  const other = await newAdmin(rowmill, "other-admin");
  const task = await run("send_admin_notification", {
    subject: "Daily Report",
    message: "Report generated!",
  });
  const isRepeated = await inTransaction(rowmill.ctx, (tx) =>
    alertAdmins(tx, { key: `task/${task.id}`, ...NEWS }),
  );
  expect(isRepeated).toBe(false);
  for (const each of [admin, other]) {
    const { body } = await each.get<{ items: object[] }>("/api/v1/notifications?kind=admin.alert");
    expect(body.items).toMatchObject([{ data: { subject: "Daily Report", message: "Report generated!" } }]);
  }
  expect((await user.get<{ items: object[] }>("/api/v1/notifications")).body.items).toEqual([]);
});

describe("send_bulk_notifications", () => {
  test("send_bulk_notifications sends to chosen users and counts each recipient", async () => {
    const gone = await rowmill.newUser();
    const email = await giveEmail(rowmill.ctx, user);
    const refused = await giveEmail(rowmill.ctx, gone);
    server.answerTo(refused, 550);
    const { body: named } = await gone.get<{ username: string }>("/api/v1/auth/me");
    const to = [user.userId, user.userId, named.username.toUpperCase(), "nobody"];
    const { status, result, error_message } = await run("send_bulk_notifications", { to, ...NEWS });
    expect([status, error_message]).toEqual(["completed", null]);
    expect(result).toEqual({
      message: "Sent to 1 of 3 recipients.",
      sent_count: 1,
      failed_count: 2,
      failed_emails: [refused, "nobody"],
      batch_id: expect.any(String),
    });
    expect(server.mailsTo(email)).toHaveLength(1);
    const batch = await admin.batch(String(result?.batch_id));
    expect(batch.body).toMatchObject({ target: "messages", state: "completed_with_errors" });
  });

  test("send_bulk_notifications sends to a role, to a file of addresses, and not to a disabled account", async () => {
    const disabled = await rowmill.newUser();
    const email = await giveEmail(rowmill.ctx, disabled);
    await admin.post(`/api/v1/accounts/${disabled.userId}/disable`);
    const toUsers = await run("send_bulk_notifications", { to: "user", ...NEWS });
    expect(toUsers.status).toBe("completed");
    expect(server.mailsTo(email)).toEqual([]);
    const shown = await user.get<{ items: object[] }>("/api/v1/notifications?kind=message");
    expect(shown.body.items).toHaveLength(1);
    const file = await storedFile(admin, "email\nlisted@example.org\n", { name: "list.csv" });
    const toFile = await run("send_bulk_notifications", NEWS, { file_id: file.id });
    expect(toFile.result).toMatchObject({ sent_count: 1, failed_count: 0, failed_emails: [] });
    expect(server.mailsTo("listed@example.org")).toHaveLength(1);
  });

  test("send_bulk_notifications needs recipients that exist", async () => {
    expect(await run("send_bulk_notifications", NEWS)).toMatchObject({ error_code: "invalid_input" });
    const unknown = await run("send_bulk_notifications", { to: [999_999], ...NEWS });
    expect(unknown).toMatchObject({ status: "failed", error_code: "unknown_user" });
    expect(unknown.error_message).toContain("999999");
  });

  test("send_bulk_notifications reads accounts page by page", async () => {
    await rowmill.ctx.pool.query(`
      INSERT INTO rowmill.users (username, password_hash, role)
      SELECT 'many,' || n, 'none', 'operator' FROM generate_series(1, 2500) AS n`);
    const pieces: Buffer[] = [];
    for await (const piece of accountsAsCsv(rowmill.ctx, "operator")) pieces.push(piece);
    expect(pieces.map((piece) => piece.toString().trim().split("\n").length)).toEqual([1, 1000, 1000, 500]);
    expect(pieces[1]?.toString()).toContain('"many,1",\n');
  });
});

test.each([
  ["send_welcome_email", { user_id: 1 }],
  ["send_password_reset_email", { user_id: 1 }],
  ["send_admin_notification", NEWS],
  ["send_bulk_notifications", { to: "all", ...NEWS }],
])("only admins can create tasks of type %s", async (type, params) => {
  const { status, body } = await user.post<Problem>("/api/v1/tasks", { type, params });
  expect([status, body.code]).toEqual([403, "forbidden"]);
});
