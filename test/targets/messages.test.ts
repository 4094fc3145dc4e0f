import { eq } from "drizzle-orm";
import { afterAll, describe, expect, test } from "vitest";
import { accountsChanged } from "../../src/accounts/account-changes.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { inTransaction } from "../../src/context.ts";
import { users } from "../../src/schema/accounts.ts";
import { newAdmin } from "../support/admin.ts";
import { deliverChunk } from "../support/batches.ts";
import type { Client, Problem } from "../support/client.ts";
import { MailServer } from "../support/mail-server.ts";
import { addTrigger } from "../support/triggers.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import { giveEmail, withEmail } from "../support/with-email.ts";

const server = await new MailServer().start();
afterAll(() => server[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: server.settings });
const admin = useAdmin(rowmill);
const user = useUserPerTest(rowmill);
withEmail(rowmill, user);

const PARAMS = JSON.stringify({ subject: "Maintenance", message: "Offline tonight." });

async function send(file: string, params = PARAMS, by: Client = admin) {
  const query = new URLSearchParams({ target: "messages", force: "true", params });
  return by.upload<BatchView & Problem>(file, `/api/v1/batches?${query}`);
}

/** Sends a file, and handles its rows once, as a worker does. */
async function deliver(file: string, params = PARAMS): Promise<BatchView> {
  const { status, body } = await send(file, params);
  expect(status).toBe(202);
  await deliverChunk(rowmill.ctx, body.id);
  return (await admin.batch(body.id)).body;
}

const shownTo = async (of: Client) =>
  (await of.get<{ items: { kind: string; data: object }[] }>("/api/v1/notifications?kind=message")).body
    .items;

describe("a row of messages", () => {
  test("reaches a user in the app and by e-mail, and an address by e-mail", async () => {
    const email = await giveEmail(rowmill.ctx, user);
    const name = await usernameOf(user);
    const batch = await deliver(`username,email\n${name},ignored@example.com\n,guest@example.com\n`);
    expect(batch).toMatchObject({ state: "completed", counts: { success: 2 } });
    expect(await shownTo(user)).toMatchObject([
      { data: { subject: "Maintenance", message: "Offline tonight." } },
    ]);
    expect(server.mailsTo(email)).toHaveLength(1);
    expect(server.mailsTo("guest@example.com")[0]?.content).toContain("Subject: Maintenance");
    expect(server.mailsTo("ignored@example.com")).toEqual([]);
  });

  test("a row of messages can have a subject and a message of its own", async () => {
    await deliver("email,subject,message\nown@example.com,Hello,Just for you.\n", "{}");
    expect(server.mailsTo("own@example.com")[0]?.content).toContain("Subject: Hello");
  });

  test("shares the mail of another row with the same address", async () => {
    const batch = await deliver(
      "email\ntwin@one.test\na@two.test\nb@two.test\nc@two.test\nd@two.test\nTwin@one.test\n",
    );
    expect(batch.counts).toMatchObject({ success: 6 });
    expect(server.received.filter(({ to }) => to.toLowerCase() === "twin@one.test")).toHaveLength(1);
  });

  test("a row of messages that is repeated after a crash sends nothing twice", async () => {
    const email = await giveEmail(rowmill.ctx, user);
    const { body } = await send(`username\n${await usernameOf(user)}\n`);
    // The worker dies before it can store the results of the rows.
    const event = "BEFORE INSERT ON rowmill.row_results FOR EACH STATEMENT";
    await addTrigger(rowmill.ctx.pool, "refuse", event, "RAISE EXCEPTION 'killed';");
    await expect(deliverChunk(rowmill.ctx, body.id)).rejects.toThrow();
    await rowmill.ctx.pool.query("DROP TRIGGER refuse ON rowmill.row_results");
    expect(server.mailsTo(email)).toHaveLength(1);
    await deliverChunk(rowmill.ctx, body.id);
    expect((await admin.batch(body.id)).body.counts).toMatchObject({ success: 1 });
    expect(server.mailsTo(email)).toHaveLength(1);
    expect(await shownTo(user)).toHaveLength(1);
  });

  test("fails for good or is retried, as the mail server answers", async () => {
    server.answerTo("gone@gone.test", 550);
    server.answerTo("busy@busy.test", 451);
    const batch = await deliver("email\ngone@gone.test\nbusy@busy.test\nfine@example.com\n");
    expect(batch.counts).toMatchObject({ success: 1, failed: 1, pending: 1 });
    const [failed] = await admin.rows(batch.id, "failed");
    expect(failed?.errors).toMatchObject([{ code: "mail_refused" }]);
    expect(failed?.errors?.[0]?.message).toContain("550");
  });

  test("fails for an account that is unknown, disabled, or wants no messages", async () => {
    const [noMail, disabled] = [await rowmill.newUser(), await rowmill.newUser()];
    const names = [await usernameOf(noMail), await usernameOf(disabled), "nobody"];
    await giveEmail(rowmill.ctx, noMail);
    await noMail.patch("/api/v1/notification-preferences", {
      message: { email: false, in_app: false },
    });
    await admin.post(`/api/v1/accounts/${disabled.userId}/disable`);
    const batch = await deliver(`username,note\n${names.map((name) => `${name},x`).join("\n")}\n,x\n`);
    expect(batch.counts).toMatchObject({ failed: 4 });
    const codes = (await admin.rows(batch.id, "failed")).map(({ errors }) => errors?.[0]?.code);
    expect(codes).toEqual(["unsubscribed", "account_disabled", "unknown_user", "required"]);
    expect(await shownTo(noMail)).toEqual([]);
  });

  test("reaches a user in the app who has turned off its e-mail, once however often the file names the user", async () => {
    const email = await giveEmail(rowmill.ctx, user);
    await user.patch("/api/v1/notification-preferences", { message: { email: false } });
    const name = await usernameOf(user);
    const batch = await deliver(`username\n${name}\n${name.toUpperCase()}\n`);
    expect(batch.counts).toMatchObject({ success: 2 });
    expect(server.mailsTo(email)).toEqual([]);
    expect(await shownTo(user)).toHaveLength(1);
  });

  test("a row of messages waits for a turn without using up its attempts", async () => {
    const { ctx } = rowmill;
    await ctx.pool.query(`INSERT INTO rowmill.mail_pace (id, next_at) VALUES (1, clock_timestamp() + interval '3 seconds')
      ON CONFLICT (id) DO UPDATE SET next_at = excluded.next_at`);
    const batch = await deliver("email\npatient@example.com\n");
    expect(batch.counts).toMatchObject({ success: 1 });
    expect(server.mailsTo("patient@example.com")).toHaveLength(1);
  });

  test("a row of messages sends nothing for an admin who has lost the role, and the batch cannot be changed any more", async () => {
    const former = await newAdmin(rowmill, "former");
    const { body: batch } = await send("email\nvictim@example.com\n", PARAMS, former);
    await inTransaction(rowmill.ctx, async (tx) => {
      await tx.db.update(users).set({ role: "user" }).where(eq(users.id, former.userId));
      await accountsChanged(tx, [former.userId]);
    });
    await deliverChunk(rowmill.ctx, batch.id);
    const [row] = await former.rows(batch.id, "failed");
    expect(row?.errors).toMatchObject([{ code: "forbidden" }]);
    const file = new File(["_row,email\n2,victim@example.com\n"], "fixed.csv");
    const form = new FormData();
    form.set("file", file);
    for (const answer of [
      await former.send("POST", `/api/v1/batches/${batch.id}/corrections`, { body: form }),
      await former.post(`/api/v1/batches/${batch.id}/retry`, {}),
    ])
      expect(answer.status).toBe(403);
    expect(server.mailsTo("victim@example.com")).toEqual([]);
  });

  test("reaches a user without an address in the app", async () => {
    const silent = await rowmill.newUser();
    const batch = await deliver(`username\n${await usernameOf(silent)}\n`);
    expect(batch.counts).toMatchObject({ success: 1 });
    expect(await shownTo(silent)).toHaveLength(1);
  });
});

describe("an upload of messages", () => {
  test("an upload of messages is only for admins", async () => {
    expect((await send("email\na@example.com\n", PARAMS, user)).status).toBe(403);
  });

  test.each([
    ["nonsense", "params"],
    ['{"subject": 5}', "params.subject"],
    ['{"subjekt": "News"}', "params.subjekt"],
    ["[]", "params"],
  ])("the parameters %s are refused", async (params, field) => {
    const { status, body } = await send("email\na@example.com\n", params);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual([field]);
  });

  test("parameters for a target that has none are refused", async () => {
    const { status, body } = await admin.upload<Problem>(
      "title,author\nA,B\n",
      `/api/v1/batches?target=books&params=${encodeURIComponent(PARAMS)}`,
    );
    expect([status, Object.keys(body.field_errors)]).toEqual([400, ["params"]]);
  });

  test("rows without a subject fail if the upload has none", async () => {
    const batch = await deliver("email\nno-subject@example.com\n", "{}");
    expect(batch.counts).toMatchObject({ failed: 1 });
    expect(server.mailsTo("no-subject@example.com")).toEqual([]);
  });
});

async function usernameOf(client: Client): Promise<string> {
  return (await client.get<{ username: string }>("/api/v1/auth/me")).body.username;
}
