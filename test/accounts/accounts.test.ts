/** Accounts that administrators manage, and the own password and sessions of a user. */
import { describe, expect, test } from "vitest";
import { newAdmin } from "../support/admin.ts";
import { AUTH, PASSWORD } from "../support/auth.ts";
import { deliverChunk } from "../support/batches.ts";
import type { Client, Problem } from "../support/client.ts";
import { effects, receive } from "../support/imports.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

interface AccountView {
  id: number;
  username: string;
  role: string;
  disabled_at: string | null;
}
interface SessionView {
  id: string;
  is_current: boolean;
  address: string;
  user_agent: string;
}

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const user = useUserPerTest(rowmill);

const ACCOUNTS = "/api/v1/accounts";
const find = async (query: string) =>
  (await admin.get<{ items: AccountView[]; next_cursor: string | null }>(`${ACCOUNTS}?${query}`)).body;
const disable = ({ userId }: Client) => admin.post<AccountView & Problem>(`${ACCOUNTS}/${userId}/disable`);
const enable = ({ userId }: Client) => admin.post<AccountView>(`${ACCOUNTS}/${userId}/enable`);
const nameOf = async ({ userId }: Client) =>
  (await admin.get<AccountView>(`${ACCOUNTS}/${userId}`)).body.username;

describe("the accounts", () => {
  test("an administrator lists accounts in pages, and finds one by its name", async () => {
    const first = await find("limit=1");
    expect(first.items).toHaveLength(1);
    const second = await find(`limit=1&cursor=${first.next_cursor}`);
    expect(second.items[0]?.id).toBeGreaterThan(first.items[0]?.id ?? 0);
    const name = await nameOf(user);
    expect((await find(`username=${name.toUpperCase()}`)).items).toMatchObject([
      { id: user.userId, username: name, role: "user", disabled_at: null },
    ]);
    expect((await find("role=admin")).items.map(({ username }) => username)).toEqual(["root"]);
    expect((await admin.get(`${ACCOUNTS}/999999`)).status).toBe(404);
  });

  test("operators see accounts, and only administrators change them", async () => {
    const operator = await newAdmin(rowmill, "an operator", "operator");
    for (const client of [user, operator]) {
      const path = `${ACCOUNTS}/${admin.userId}`;
      const answer = client === operator ? 200 : 403;
      expect((await client.get(ACCOUNTS)).status).toBe(answer);
      expect((await client.get(path)).status).toBe(answer);
      for (const verb of ["disable", "enable"])
        expect((await client.post(`${path}/${verb}`)).status).toBe(403);
      for (const noun of ["sessions", "tokens"])
        expect((await client.delete(`${path}/${noun}`)).status).toBe(403);
    }
    expect((await rowmill.client.get(ACCOUNTS)).status).toBe(401);
  });

  test("disabling and enabling an account twice changes nothing", async () => {
    const first = await disable(user);
    expect(first.status).toBe(200);
    expect(first.body.disabled_at).toEqual(expect.any(String));
    expect((await disable(user)).body).toEqual(first.body);
    expect((await find("disabled=true")).items).toEqual([first.body]);
    for (let times = 0; times < 2; times++) expect((await enable(user)).body.disabled_at).toBeNull();
    expect((await find("disabled=true")).items).toEqual([]);
    expect((await admin.post(`${ACCOUNTS}/999999/disable`)).status).toBe(404);
  });

  test("an administrator cannot disable their own account", async () => {
    const { status, body } = await disable(admin);
    expect(status).toBe(409);
    expect(body.detail).toContain("another administrator");
  });
});

describe("the work of a disabled account", () => {
  test("the batches of a disabled account go on", async () => {
    const id = await receive(user, "title,author\nEmma,Jane Austen\n");
    await disable(user);
    await deliverChunk(rowmill.ctx, id, 2);
    await enable(user);
    const again = await rowmill.client.logIn(await nameOf(user), PASSWORD);
    expect((await again.batch(id)).body.state).toBe("completed");
  });

  test("a disabled administrator imports no more accounts", async () => {
    const other = await newAdmin(rowmill, "other admin");
    const id = await receive(other, "username\nlate\n", "insert", "users");
    await disable(other);
    await deliverChunk(rowmill.ctx, id, 2);
    expect(await effects(rowmill, id)).toEqual({ 2: "forbidden" });
  });

  test("an upload that ends after its account was disabled leaves nothing", async () => {
    using upload = new SlowUpload(user);
    await upload.send("title,author\nEmma,Jane Austen\n");
    const stored = () =>
      rowmill.ctx.pool.query("SELECT FROM rowmill.batches WHERE user_id = $1", [user.userId]);
    await disable(user);
    expect(await upload.end()).toMatchObject({ status: 403, body: { code: "account_disabled" } });
    await until("nothing is stored", async () => (await stored()).rowCount === 0);
  });
});

describe("one's own password", () => {
  const change = (current_password: string, new_password: string, client = user) =>
    client.post<Problem>(`${AUTH}/password`, { current_password, new_password });

  test("a change of the password needs the current one", async () => {
    const { status, body } = await change("wrong horse", "a better horse");
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["current_password"]);
    expect((await change(PASSWORD, "short")).body.field_errors).toEqual({
      new_password: ["must have at least 8 characters."],
    });
    expect((await change(PASSWORD, "qwertyuiop")).body.field_errors).toEqual({
      new_password: [expect.stringContaining("most common passwords")],
    });
    expect((await user.get(`${AUTH}/me`)).status).toBe(200);
    await rowmill.client.logIn(await nameOf(user), PASSWORD);
  });

  test("a changed password is the one to log in with", async () => {
    const name = await nameOf(user);
    expect((await change(PASSWORD, "a better horse")).status).toBe(204);
    await rowmill.client.logIn(name, "a better horse");
    await expect(rowmill.client.logIn(name, PASSWORD)).rejects.toThrow("401");
  });

  test("guesses of the current password are throttled like logins", async () => {
    const guesses = await Promise.all(
      Array.from({ length: 15 }, () => change("wrong horse", "a better horse")),
    );
    expect(guesses.map(({ status }) => status)).toContain(429);
  });
});

describe("one's own sessions", () => {
  const list = async (client: Client) =>
    (await client.get<{ items: SessionView[] }>(`${AUTH}/sessions`)).body.items;

  test("a user lists the sessions that have not ended, newest first", async () => {
    const other = await rowmill.client.logIn(await nameOf(user), PASSWORD);
    expect(await list(user)).toMatchObject([
      { is_current: false, address: "127.0.0.1", user_agent: "node" },
      { is_current: true },
    ]);
    expect((await list(other)).map(({ is_current }) => is_current)).toEqual([true, false]);
    await other.post(`${AUTH}/logout`, { refresh: other.refresh });
    expect(await list(user)).toHaveLength(1);
    const page = await user.get<{ next_cursor: string | null }>(`${AUTH}/sessions?limit=1`);
    expect(page.body.next_cursor).toBeNull();
  });

  test("a user cannot end the session of another user", async () => {
    const [theirs] = await list(admin);
    expect((await user.delete(`${AUTH}/sessions/${theirs?.id}`)).status).toBe(404);
    expect((await admin.get(`${AUTH}/me`)).status).toBe(200);
  });

  test("a user can end the session of the request, and not twice", async () => {
    const other = await rowmill.client.logIn(await nameOf(user), PASSWORD);
    const id = (await list(other)).find(({ is_current }) => is_current)?.id;
    expect((await other.delete(`${AUTH}/sessions/${id}`)).status).toBe(204);
    expect((await other.get(`${AUTH}/me`)).status).toBe(401);
    expect((await user.delete(`${AUTH}/sessions/${id}`)).status).toBe(404);
  });

  test("with Basic, which has no session, all sessions end", async () => {
    const login = Buffer.from(`${await nameOf(user)}:${PASSWORD}`).toString("base64");
    const headers = { authorization: `Basic ${login}` };
    const { body } = await rowmill.client.send("DELETE", `${AUTH}/sessions`, { headers });
    expect(body).toEqual({ ended: 1 });
    expect((await user.get(`${AUTH}/me`)).status).toBe(401);
  });
});
