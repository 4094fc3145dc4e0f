import pg from "pg";
import { afterAll, describe, expect, test, vi } from "vitest";
import { disableAccount } from "../../src/accounts/control/disable-account.ts";
import { startPasswordReset } from "../../src/accounts/reset/start-password-reset.ts";
import { inTransaction } from "../../src/context.ts";
import { newAdmin } from "../support/admin.ts";
import { AUTH, authOf, PASSWORD } from "../support/auth.ts";
import type { Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { MailServer } from "../support/mail-server.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const server = await new MailServer().start();
afterAll(() => server[Symbol.asyncDispose]());

const rowmill = useRowmill({
  settings: { ...server.settings, TRUST_PROXY: "loopback", PASSWORD_RESETS_PER_HOUR: "30" },
  worker: true,
});
const { logIn, signUp, meWith } = authOf(rowmill);

const NEW_PASSWORD = "a much better horse";
const RESET = `${AUTH}/password-reset`;
const request = (body: object, address = "192.0.2.1") =>
  rowmill.client.post<Problem & { message: string }>(RESET, body, { "x-forwarded-for": address });
const confirm = (token: string, new_password = NEW_PASSWORD) =>
  rowmill.client.post<Problem>(`${RESET}/confirm`, { token, new_password });

const linksTo = (address: string) =>
  server
    .mailsTo(address)
    .map(({ content }) => /reset-password#([\w=\r\n-]{40,60})/.exec(content)?.[1] ?? "")
    .filter((token) => token !== "")
    .map((token) => token.replace(/=\r\n/g, "").slice(0, 43));

async function linkFor(address: string, known = linksTo(address).length): Promise<string> {
  expect((await request({ email: address })).status).toBe(202);
  return until("the link arrives", async () => linksTo(address)[known] ?? null);
}

/** The number of accounts with an open link. */
const resets = () => count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.password_resets");

describe("the link of a password reset", () => {
  test("sets a new password once, and ends all sessions and API tokens", async () => {
    const { body } = await signUp("ada", { email: "ada@reset.test" });
    const login = { authorization: `Bearer ${body.access}` };
    const made = await rowmill.client.post<{ token: string }>(`${AUTH}/tokens`, { name: "ci" }, login);
    const token = await linkFor("ada@reset.test");
    expect((await confirm(token)).status).toBe(204);
    expect((await meWith(body.access)).status).toBe(401);
    const withToken = await rowmill.client.get(`${AUTH}/me`, { authorization: `Token ${made.body.token}` });
    expect([made.status, withToken.status]).toEqual([201, 401]);
    expect((await logIn("ada", PASSWORD)).status).toBe(401);
    expect((await logIn("ada", NEW_PASSWORD)).status).toBe(200);
    const again = await confirm(token, "another good horse");
    expect(again.status).toBe(400);
    expect(Object.keys(again.body.field_errors)).toEqual(["token"]);
  });

  test("the link of a password reset is stored nowhere as text, and the outbox hides it", async () => {
    await signUp("eve", { email: "eve@reset.test" });
    const token = await linkFor("eve@reset.test");
    const stored = await rowmill.ctx.pool.query(
      "SELECT (SELECT json_agg(r)::text FROM rowmill.password_resets r) || (SELECT json_agg(m)::text FROM rowmill.mails m) AS all",
    );
    expect(stored.rows[0].all).not.toContain(token);
  });

  test("the link of a password reset stays valid if the new password breaks a rule", async () => {
    await signUp("kim", { email: "kim@reset.test" });
    const token = await linkFor("kim@reset.test");
    expect((await confirm(token, "short")).body.field_errors).toHaveProperty("new_password");
    expect((await confirm(token)).status).toBe(204);
  });

  test("the link of a password reset is replaced by a newer link, and ends after an hour", async () => {
    await signUp("bob", { email: "bob@reset.test" });
    const first = await linkFor("bob@reset.test");
    const second = await linkFor("bob@reset.test");
    expect((await confirm(first)).status).toBe(400);
    await rowmill.ctx.pool.query("UPDATE rowmill.password_resets SET expires_at = now()");
    expect((await confirm(second)).status).toBe(400);
  });

  test("the link of a password reset ends with a new password, and works once for two requests at a time", async () => {
    await signUp("sam", { email: "sam@reset.test" });
    const token = await linkFor("sam@reset.test");
    const answers = await Promise.all([confirm(token), confirm(token, "the other horse")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400]);
    expect(
      await count(
        rowmill.ctx.pool,
        "SELECT count(*) FROM rowmill.password_resets r JOIN rowmill.users u ON u.id = user_id WHERE username = 'sam'",
      ),
    ).toBe(0);
  });
});

describe("a request", () => {
  test("answers the same, and does the same, for known and unknown accounts", async () => {
    await using quiet = await startRowmill(server.settings);
    await quiet.client.signUp("known");
    const executed = vi.spyOn(pg.Client.prototype, "query");
    const asking = async (username: string) => {
      executed.mockClear();
      const { status, body } = await quiet.client.post(RESET, { username });
      const { calls, contexts } = executed.mock;
      const databases = contexts.map((client) => (client as { database?: string }).database);
      const texts = calls
        .filter((_, at) => quiet.ctx.config.databaseUrl.endsWith(`/${databases[at]}`))
        .map(([statement]: readonly unknown[]) => textOf(statement));
      return {
        status,
        body,
        statements: texts.filter((text) => /rate_limits|\."?(job|users|mails)\b/.test(text)),
      };
    };
    const known = await asking("known");
    const unknown = await asking("unknown");
    executed.mockRestore();
    expect(known.status).toBe(202);
    expect(known.statements).toHaveLength(2);
    expect(unknown).toEqual(known);
  });

  test("a request for a reset finds accounts by username as well, ignoring case, and mails none that is disabled", async () => {
    const { body } = await signUp("Carl", { email: "carl@reset.test" });
    const ask = (username: string) =>
      inTransaction(rowmill.ctx, (tx) => startPasswordReset(tx, { username }));
    const before = await resets();
    await ask("cARL");
    expect(await resets()).toBe(before + 1);
    await disableAccount(rowmill.ctx, body.user.id);
    await rowmill.ctx.pool.query("DELETE FROM rowmill.password_resets");
    await ask("carl");
    await ask("nobody");
    expect(await resets()).toBe(0);
  });

  test("the link of a disabled account is refused", async () => {
    const { body } = await signUp("dan", { email: "dan@reset.test" });
    const token = await linkFor("dan@reset.test");
    await disableAccount(rowmill.ctx, body.user.id);
    expect((await confirm(token)).status).toBe(400);
  });

  test("a requested reset ends when an admin gives the account another address", async () => {
    await signUp("eve", { email: "eve@reset.test" });
    const token = await linkFor("eve@reset.test");
    const admin = await newAdmin(rowmill);
    const { body: batch } = await admin.upload(
      "username,email\neve,eve@safe.test\n",
      "/api/v1/batches?target=users&mode=upsert",
    );
    expect(await admin.finished(batch.id)).toMatchObject({ state: "completed", counts: { success: 1 } });
    expect((await confirm(token)).status).toBe(400);
  });

  test("a request for a reset sends at most three mails per account and hour", async () => {
    await signUp("max", { email: "max@reset.test" });
    for (let i = 0; i < 5; i++)
      await inTransaction(rowmill.ctx, (tx) => startPasswordReset(tx, { email: "MAX@reset.test" }));
    const mails =
      "SELECT count(*) FROM rowmill.mails WHERE kind = 'password_reset' AND address = 'max@reset.test'";
    expect(await count(rowmill.ctx.pool, mails)).toBe(3);
  });

  test("a request for a reset needs either an address or a name, and each address has a limit", async () => {
    expect((await request({})).status).toBe(400);
    expect((await request({ email: "a@b.test", username: "a" })).status).toBe(400);
    const statuses: number[] = [];
    for (let i = 0; i < 31; i++) statuses.push((await request({ username: "nobody" }, "192.0.2.99")).status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(30);
    const refused = await request({ username: "nobody" }, "192.0.2.99");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(3000);
    expect(refused.body.detail).toContain("30 password resets per hour (PASSWORD_RESETS_PER_HOUR)");
  });
});

test("the page of the link loads nothing, runs one script, and never gets the token", async () => {
  const answer = await fetch(`${rowmill.url}/reset-password`);
  expect(answer.status).toBe(200);
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'/,
  );
  expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  const page = await answer.text();
  // Nothing of another site. The script has removed the token before the link to the sign-in appears.
  expect(page).not.toMatch(/https?:|src=|href=(?!"\/sign-in")/);
  expect(page).toContain("location.hash");
});

function textOf(statement: unknown): string {
  return typeof statement === "string" ? statement : String((statement as { text?: unknown }).text);
}
