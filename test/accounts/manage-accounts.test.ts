/** Accounts that administrators create, find and change. */
import { describe, expect, test } from "vitest";
import { setRole } from "../../src/accounts/control/set-role.ts";
import { findCommand } from "../../src/cli/commands.ts";
import type { Role } from "../../src/schema/accounts.ts";
import { newAdmin } from "../support/admin.ts";
import { AUTH, authOf, PASSWORD } from "../support/auth.ts";
import { deliverChunk } from "../support/batches.ts";
import type { Client, Problem } from "../support/client.ts";
import { EventClient } from "../support/events.ts";
import { effects, receive } from "../support/imports.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import { giveEmail } from "../support/with-email.ts";

interface AccountView {
  id: number;
  username: string;
  role: string;
  email: string;
  email_confirmed: boolean;
}

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const user = useUserPerTest(rowmill);
const { logIn } = authOf(rowmill);

const ACCOUNTS = "/api/v1/accounts";
const find = async (query: string, client: Client = admin) =>
  (await client.get<{ items: AccountView[] }>(`${ACCOUNTS}?${query}`)).body.items;
const change = ({ userId }: Client, role: string, by: Client = admin) =>
  by.patch<AccountView & Problem>(`${ACCOUNTS}/${userId}`, { role });
const roleOf = async (client: Client) => (await client.get<AccountView>(`${AUTH}/me`)).body.role;

describe("the search for accounts", () => {
  test("the search finds parts of names and addresses, without patterns", async () => {
    const email = await giveEmail(rowmill.ctx, user);
    expect(await find(`search=${email.toUpperCase()}`)).toMatchObject([{ id: user.userId, email }]);
    expect((await find("search=ROO")).map(({ username }) => username)).toEqual(["root"]);
    for (const none of ["100%25", "_____", "no such name"]) expect(await find(`search=${none}`)).toEqual([]);
    expect(await find(`search=user-&role=admin`)).toEqual([]);
  });

  test("operators list accounts and change none", async () => {
    const operator = await newAdmin(rowmill, "an operator", "operator");
    expect(await find(`search=root`, operator)).toHaveLength(1);
    expect((await operator.get(`${ACCOUNTS}/${user.userId}`)).status).toBe(200);
    for (const client of [operator, user]) {
      expect((await change(user, "admin", client)).status).toBe(403);
      expect((await client.post(ACCOUNTS, { username: "mine" })).status).toBe(403);
      expect((await client.post(`${ACCOUNTS}/${admin.userId}/password-reset`)).status).toBe(403);
    }
  });
});

describe("an account that an administrator creates", () => {
  test("an account with a password logs in with its role", async () => {
    const body = { username: "made", password: PASSWORD, email: "made@example.com", role: "operator" };
    const created = await admin.post<AccountView>(ACCOUNTS, body);
    expect(created).toMatchObject({
      status: 201,
      body: { username: "made", role: "operator", email: "made@example.com", email_confirmed: true },
    });
    expect((await logIn("made")).body.user).toMatchObject({ id: created.body.id, role: "operator" });
    expect((await admin.post(ACCOUNTS, body)).status).toBe(409);
  });

  test("nobody logs in to an account without a password, and bad fields are refused", async () => {
    expect((await admin.post(ACCOUNTS, { username: "empty" })).status).toBe(201);
    for (const password of ["!", PASSWORD]) expect((await logIn("empty", password)).status).toBe(401);
    for (const wrong of [{ password: "short" }, { role: "king" }, { email: "nowhere" }, { username: "" }])
      expect(
        (await admin.post(ACCOUNTS, { username: "wrong", ...wrong })).status,
        JSON.stringify(wrong),
      ).toBe(400);
  });
});

describe("another role", () => {
  test("a role acts on running sessions and API tokens at once, and ends streams when it is lost", async () => {
    const { body } = await user.post<{ token: string }>(`${AUTH}/tokens`, { name: "robot" });
    const robot = { authorization: `Token ${body.token}` };
    expect(await change(user, "operator")).toMatchObject({ status: 200, body: { role: "operator" } });
    expect(await roleOf(user)).toBe("operator");
    expect((await user.get("/api/v1/admin/queues")).status).toBe(200);
    expect((await rowmill.client.get("/api/v1/admin/queues", robot)).status).toBe(200);
    const stream = await EventClient.open<unknown>(`${rowmill.url}/api/v1/notifications/events`, {
      authorization: `Bearer ${user.token}`,
    });
    await change(user, "user");
    expect((await user.get("/api/v1/admin/queues")).status).toBe(403);
    expect((await rowmill.client.get("/api/v1/admin/queues", robot)).status).toBe(403);
    await until("the stream ends", async () => stream.isEnded);
    expect((await admin.patch(`${ACCOUNTS}/999999`, { role: "user" })).status).toBe(404);
    expect((await change(user, "king")).status).toBe(400);
  });

  test("an administrator cannot change their own role", async () => {
    const { status, body } = await change(admin, "user");
    expect(status).toBe(409);
    expect(body.detail).toContain("another administrator");
  });
});

describe("the last enabled administrator", () => {
  const cli = async (...words: string[]) => {
    await findCommand(words)?.({ config: rowmill.config, connect: async () => rowmill.ctx });
  };

  test("the command line neither demotes nor disables the last administrator", async () => {
    const message = /last enabled administrator.*accounts set-role NAME admin/;
    await expect(cli("accounts", "set-role", "root", "user")).rejects.toThrow(message);
    await expect(cli("accounts", "disable", "root")).rejects.toThrow(message);
    const other = await newAdmin(rowmill, "not for long");
    await admin.post(`${ACCOUNTS}/${other.userId}/disable`);
    await expect(cli("accounts", "disable", "root")).rejects.toThrow(message);
  });

  test("of two administrators who demote each other at the same time, one stays", async () => {
    for (const verb of ["role", "disable"]) {
      const [left, right] = [
        await newAdmin(rowmill, `left ${verb}`),
        await newAdmin(rowmill, `right ${verb}`),
      ];
      await setRole(rowmill.ctx, admin.userId, "user");
      const end = (by: Client, target: Client) =>
        verb === "role"
          ? change(target, "user", by)
          : by.post<Problem>(`${ACCOUNTS}/${target.userId}/disable`);
      const answers = await Promise.all([end(left, right), end(right, left)]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(await remainingAdmins()).toHaveLength(1);
      await setRole(rowmill.ctx, admin.userId, "admin");
      for (const { userId } of [left, right]) await setRole(rowmill.ctx, userId, "user");
    }
  });

  test("an import and its undo leave an administrator", async () => {
    const owner = await newAdmin(rowmill, "importer");
    const id = await receive(owner, "username,role\nroot,user\nspare,admin\n", "upsert", "users");
    await deliverChunk(rowmill.ctx, id, 2);
    expect(await effects(rowmill, id)).toEqual({ 2: "updated", 3: "created" });
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT action, actor_name, details->>'to' AS role FROM rowmill.audit_log WHERE details->>'batch_id' = $1 ORDER BY id",
      [id],
    );
    expect(rows).toEqual([
      { action: "account.created", actor_name: "importer", role: null },
      { action: "account.role_changed", actor_name: "importer", role: "user" },
    ]);
    await setRole(rowmill.ctx, admin.userId, "admin");
    await setRole(rowmill.ctx, owner.userId, "user");
  });

  async function remainingAdmins(): Promise<{ role: Role }[]> {
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT role FROM rowmill.users WHERE role = 'admin' AND disabled_at IS NULL",
    );
    return rows;
  }
});

describe("a password reset by an administrator", () => {
  test("the answer says what keeps the mail from arriving", async () => {
    const reset = (client: Client) => admin.post<Problem>(`${ACCOUNTS}/${client.userId}/password-reset`);
    expect(await reset(user)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("no email") },
    });
    await giveEmail(rowmill.ctx, user);
    expect(await reset(user)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("SMTP_URL") },
    });
    await admin.post(`${ACCOUNTS}/${user.userId}/disable`);
    expect(await reset(user)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("disabled") },
    });
    expect((await admin.post(`${ACCOUNTS}/999999/password-reset`)).status).toBe(404);
  });

  test("the link is mailed at most three times per hour, and the admin never sees it", async () => {
    await using own = await startRowmill({
      SMTP_URL: "smtp://127.0.0.1:1",
      EMAIL_FROM: "rowmill@example.com",
    });
    const root = await newAdmin(own);
    const ada = await own.newUser();
    await own.ctx.pool.query("UPDATE rowmill.users SET email = 'ada@example.com' WHERE id = $1", [
      ada.userId,
    ]);
    const reset = () => root.post(`${ACCOUNTS}/${ada.userId}/password-reset`);
    expect(await reset()).toMatchObject({
      status: 202,
      body: { email: "ada@example.com", email_confirmed: false },
    });
    const { body: mails } = await root.get<{ items: { id: string; kind: string }[] }>("/api/v1/outbox");
    expect(mails.items).toMatchObject([{ kind: "password_reset" }]);
    const { body: mail } = await root.get<{ text: string }>(`/api/v1/outbox/${mails.items[0]?.id}`);
    expect(mail.text).not.toMatch(/reset-password#\S{20}/);
    for (let times = 0; times < 2; times++) expect((await reset()).status).toBe(202);
    const refused = await reset();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});
