import { createHash, createHmac, randomUUID } from "node:crypto";
import { eq, isNotNull } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { refreshTokens, sessions, users } from "../../src/schema/accounts.ts";
import { AUTH, authOf, cookiesOf } from "../support/auth.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);
const { logIn, newSession, refreshWith, meWith } = authOf(rowmill);

describe("an access token", () => {
  const now = Math.floor(Date.now() / 1000);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

  /** The claims of the user's own access token. */
  const ownClaims = (): Record<string, unknown> =>
    JSON.parse(Buffer.from(user.token.split(".")[1] ?? "", "base64url").toString());

  /** A token as the service would make it, but for what the test wants otherwise. A claim of undefined is left out. */
  function forge({
    alg = "HS256",
    typ = "at+jwt",
    secret = rowmill.config.jwtSecret,
    claims = {},
  }: {
    alg?: string;
    typ?: string;
    secret?: string;
    claims?: Record<string, unknown>;
  } = {}): string {
    const head = encode({ alg, typ });
    const payload = encode({ ...ownClaims(), iat: now - 3600, exp: now + 600, ...claims });
    const signed = `${head}.${payload}`;
    const hash = { HS256: "sha256", HS512: "sha512" }[alg];
    const signature = hash ? createHmac(hash, secret).update(signed).digest("base64url") : "";
    return `${signed}.${signature}`;
  }

  test("an access token is valid with the right signature", async () => {
    const { status, body } = await meWith(forge());
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: user.userId, role: "user" });
  });

  test.each<[string, () => string | Promise<string>]>([
    ["garbage", () => "garbage"],
    ["empty parts", () => ".."],
    ["an expired token", () => forge({ claims: { exp: now - 60 } })],
    ["a token without an end", () => forge({ claims: { exp: undefined } })],
    ["a token without an issuer", () => forge({ claims: { iss: undefined } })],
    ["a token of another issuer", () => forge({ claims: { iss: "elsewhere" } })],
    ["a token without an audience", () => forge({ claims: { aud: undefined } })],
    ["a token for another audience", () => forge({ claims: { aud: "elsewhere" } })],
    ["a token of another type", () => forge({ typ: "JWT" })],
    ["a token without a user", () => forge({ claims: { sub: undefined } })],
    ["a token of an unknown user", () => forge({ claims: { sub: "999999" } })],
    ["a token whose user is not a number", () => forge({ claims: { sub: "1 OR 1=1" } })],
    ["a token without a session", () => forge({ claims: { sid: undefined } })],
    ["a token of an unknown session", () => forge({ claims: { sid: randomUUID() } })],
    ["a token whose session is not a UUID", () => forge({ claims: { sid: "'" } })],
    ["a token of version 0.4.0", () => forge({ typ: "JWT", claims: { iss: undefined, sid: undefined } })],
    ["a token with alg none", () => forge({ alg: "none" })],
    ["a token signed as HS512 with the same secret", () => forge({ alg: "HS512" })],
    ["a token signed with another secret", () => forge({ secret: "another secret, long enough for it" })],
    ["a token without its signature", () => forge().replace(/[^.]+$/, "")],
    [
      "a token with the payload of another",
      () => {
        const [head, , signature] = forge().split(".");
        const [, payload] = forge({ claims: { sub: "2" } }).split(".");
        return `${head}.${payload}.${signature}`;
      },
    ],
    ["a refresh token", async () => (await newSession("mixed up")).refresh],
  ])("an access token must not be %s", async (_, token) => {
    const { status, headers, body } = await meWith(await token());
    expect(status).toBe(401);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(body).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  test("a private route requires an access token", async () => {
    expect((await rowmill.client.get(`${AUTH}/me`)).status).toBe(401);
    expect((await rowmill.client.get(`${AUTH}/me`, { authorization: "Basic YWRhOmFkYQ==" })).status).toBe(
      401,
    );
  });

  test("an access token of a removed account is refused", async () => {
    const { access, user } = await newSession("gone");
    await rowmill.ctx.db.delete(users).where(eq(users.id, user.id));
    const { status, body } = await meWith(access);
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: "unauthenticated", detail: expect.stringContaining("session") });
  });

  test("an access token expires after ACCESS_TOKEN_TTL_SECONDS", async () => {
    await using brief = await startRowmill({ ACCESS_TOKEN_TTL_SECONDS: "3" });
    const user = await brief.newUser();
    expect((await user.get(`${AUTH}/me`)).status).toBe(200);
    await until("the token has run out", async () => (await user.get(`${AUTH}/me`)).status === 401);
  });
});

describe("a refresh token", () => {
  const refreshAs = (refresh: string, userAgent: string) =>
    rowmill.client.post(`${AUTH}/refresh`, { refresh }, { "user-agent": userAgent });

  test("a refresh token works once", async () => {
    const first = await newSession("refresher");
    const { status, body } = await refreshWith(first.refresh);
    expect(status).toBe(200);
    expect(body).toEqual({ ...first, access: expect.any(String), refresh: expect.any(String) });
    expect(body.refresh).not.toBe(first.refresh);
    expect((await meWith(body.access)).body).toMatchObject(first.user);
    expect((await refreshWith(body.refresh)).status).toBe(200);
  });

  test("reusing a refresh token ends its login", async () => {
    const first = await newSession("robbed");
    const second = (await refreshWith(first.refresh)).body;
    const third = (await refreshWith(second.refresh)).body;
    const reuse = await refreshWith(first.refresh);
    expect(reuse.status).toBe(401);
    expect(reuse.body.code).toBe("unauthenticated");
    expect((await refreshWith(third.refresh)).status).toBe(401);
  });

  test("reusing a refresh token does not end other logins", async () => {
    const one = await newSession("two devices");
    const other = (await logIn("two devices")).body;
    const next = (await refreshWith(one.refresh)).body;
    await refreshWith(next.refresh);
    expect((await refreshWith(one.refresh)).status).toBe(401);
    const { status, body } = await refreshWith(other.refresh);
    expect(status).toBe(200);
    expect((await refreshWith(body.refresh)).status).toBe(200);
  });

  test("ten concurrent refreshes of one client all get the same next token, and the session goes on", async () => {
    const { refresh } = await newSession("ten tabs");
    const answers = await Promise.all(Array.from({ length: 10 }, () => refreshWith(refresh)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const [next, ...others] = new Set(answers.map(({ body }) => body.refresh));
    expect(others).toEqual([]);
    for (const { body } of answers) expect((await meWith(body.access)).status).toBe(200);
    expect((await refreshWith(next ?? "")).status).toBe(200);
  });

  test.each<[string, (refresh: string) => Promise<{ status: number }>]>([
    ["another client", (refresh) => refreshAs(refresh, "another client")],
    [
      "the same client later",
      async (refresh) => {
        const usedAt = new Date(Date.now() - 11_000);
        await rowmill.ctx.db.update(refreshTokens).set({ usedAt }).where(isNotNull(refreshTokens.usedAt));
        return refreshWith(refresh);
      },
    ],
  ])("a used refresh token that %s sends ends the session", async (who, send) => {
    const first = await newSession(`robbed by ${who}`);
    const next = (await refreshWith(first.refresh)).body;
    expect((await send(first.refresh)).status).toBe(401);
    expect((await refreshWith(next.refresh)).status).toBe(401);
    expect((await meWith(next.access)).status).toBe(401);
  });

  test("a refresh token of a version before 0.5.0, which has no session, still works", async () => {
    const { user } = await newSession("upgraded");
    const token = "t".repeat(43);
    await rowmill.ctx.db.insert(refreshTokens).values({
      tokenHash: createHash("sha256").update(token).digest(),
      familyId: randomUUID(),
      userId: user.id,
      expiresAt: new Date(Date.now() + 60_000),
    });
    const { status, body } = await refreshWith(token);
    expect(status).toBe(200);
    expect((await meWith(body.access)).status).toBe(200);
    expect((await refreshWith(body.refresh)).status).toBe(200);
  });

  test("a session is not refreshed after SESSION_MAX_DAYS", async () => {
    const { refresh } = await newSession("always here");
    const { body } = await refreshWith(refresh);
    const yearAgo = new Date(Date.now() - 365 * 86_400_000);
    await rowmill.ctx.db
      .update(sessions)
      .set({ createdAt: yearAgo })
      .where(eq(sessions.userId, body.user.id));
    expect((await refreshWith(body.refresh)).status).toBe(401);
  });

  test("an unknown refresh token is refused", async () => {
    const { status, body } = await refreshWith("x".repeat(43));
    expect(status).toBe(401);
    expect(body.code).toBe("unauthenticated");
  });

  test("a refresh without a token is refused", async () => {
    expect((await rowmill.client.post(`${AUTH}/refresh`, {})).status).toBe(401);
    expect((await rowmill.client.post(`${AUTH}/logout`, {})).status).toBe(401);
  });

  test("a refresh token expires", async () => {
    const { refresh, user } = await newSession("late");
    await rowmill.ctx.db
      .update(refreshTokens)
      .set({ expiresAt: new Date(Date.now() - 1000) })
      .where(eq(refreshTokens.userId, user.id));
    expect((await refreshWith(refresh)).status).toBe(401);
  });

  test("only the hash of a refresh token is stored", async () => {
    const first = await newSession("hashed");
    const second = (await refreshWith(first.refresh)).body;
    const stored = await rowmill.ctx.pool.query<{ token_hash: Buffer; text: string }>(
      "SELECT token_hash, t::text AS text FROM rowmill.refresh_tokens t WHERE user_id = $1 ORDER BY created_at",
      [first.user.id],
    );
    const hashes = stored.rows.map(({ token_hash }) => token_hash.toString("hex"));
    const hashOf = (token: string) => createHash("sha256").update(token).digest("hex");
    expect(hashes).toContain(hashOf(first.refresh));
    expect(hashes).toContain(hashOf(second.refresh));
    for (const { text } of stored.rows) {
      for (const token of [first.refresh, second.refresh]) {
        expect(text).not.toContain(token);
        expect(text).not.toContain(Buffer.from(token).toString("hex"));
        expect(text).not.toContain(Buffer.from(token, "base64url").toString("hex"));
      }
    }
  });
});

describe("logging out", () => {
  const logOut = (refresh: string) => rowmill.client.post(`${AUTH}/logout`, { refresh });

  test("logging out ends one login and no other", async () => {
    const first = await newSession("leaver");
    const other = (await logIn("leaver")).body;
    const second = (await refreshWith(first.refresh)).body;
    const { status, body, headers } = await logOut(second.refresh);
    expect(status).toBe(204);
    expect(body).toBe("");
    expect(cookiesOf(headers).get("access_token")?.value).toBe("");
    expect(cookiesOf(headers).get("refresh_token")?.value).toBe("");
    expect((await refreshWith(second.refresh)).status).toBe(401);
    expect((await refreshWith(other.refresh)).status).toBe(200);
  });

  test("logging out works with an older token of the login, and twice", async () => {
    const first = await newSession("late leaver");
    const second = (await refreshWith(first.refresh)).body;
    expect((await logOut(first.refresh)).status).toBe(204);
    expect((await logOut(first.refresh)).status).toBe(204);
    expect((await refreshWith(second.refresh)).status).toBe(401);
  });
});
