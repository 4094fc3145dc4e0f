import { spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { join, resolve } from "node:path";
import { eq } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import { refreshTokens, users } from "../../src/schema/accounts.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { atEnd, type Rowmill, startRowmill } from "../support/rowmill.ts";
import { startSecondApi } from "../support/second-api.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const AUTH = "/api/v1/auth";
const PASSWORD = "correct horse";
const CSV = "title,author\nEmma,Jane Austen\n";

interface Session {
  access: string;
  refresh: string;
  expires_in: number;
  user: { id: number; username: string; role: string };
}

const rowmill = useRowmill();

function signUp(username: unknown, more: object = {}): Promise<Answer<Session & Problem>> {
  return rowmill.client.post(`${AUTH}/signup`, { username, password: PASSWORD, ...more });
}

function logIn(
  username: string,
  password = PASSWORD,
  { client }: { client: Client } = rowmill,
): Promise<Answer<Session & Problem>> {
  return client.post(`${AUTH}/login`, { username, password });
}

async function newSession(username: string): Promise<Session> {
  await rowmill.client.signUp(username);
  return (await logIn(username)).body;
}

const refreshWith = (refresh: string): Promise<Answer<Session & Problem>> =>
  rowmill.client.post(`${AUTH}/refresh`, { refresh });

const meWith = (token: string): Promise<Answer> =>
  rowmill.client.get(`${AUTH}/me`, { authorization: `Bearer ${token}` });

describe("signing up", () => {
  test("gives an account and tokens that work", async () => {
    const { status, body } = await signUp("ada", { email: "ada@example.com" });
    expect(status).toBe(201);
    expect(body).toEqual({
      access: expect.any(String),
      refresh: expect.any(String),
      expires_in: 3600,
      user: { id: expect.any(Number), username: "ada", role: "user" },
    });
    expect((await meWith(body.access)).body).toEqual({
      ...body.user,
      email: "ada@example.com",
      first_name: "",
      last_name: "",
    });
    expect((await refreshWith(body.refresh)).status).toBe(200);
    expect((await logIn("ada")).body.user).toEqual(body.user);
    const [stored] = await rowmill.ctx.db.select().from(users).where(eq(users.id, body.user.id));
    expect(stored).toMatchObject({ username: "ada", email: "ada@example.com", role: "user" });
  });

  test("stores the password as an argon2id hash with OWASP's parameters", async () => {
    await signUp("hash me");
    const [stored] = await rowmill.ctx.db.select().from(users).where(eq(users.username, "hash me"));
    expect(stored?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
    expect(JSON.stringify(stored)).not.toContain(PASSWORD);
  });

  test("refuses a password of 7 characters and takes one of 8", async () => {
    const { status, headers, body } = await signUp("brief", { password: "1234567" });
    expect(status).toBe(400);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(Object.keys(body.field_errors)).toEqual(["password"]);
    expect(body.detail).toContain("8");
    expect((await signUp("brief", { password: "12345678" })).status).toBe(201);
  });

  test("counts the characters of a password, not its bytes or UTF-16 units", async () => {
    const { status, body } = await signUp("cats", { password: "🐈".repeat(7) });
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["password"]);
  });

  test.each([
    ["Grace", "gRACE"],
    ["Émile", "éMILE"],
    ["spaced", " Spaced "],
    ["Zoe\u0308", "zo\u00eb"],
  ])("refuses the name of %s to %s", async (first, second) => {
    expect((await signUp(first)).status).toBe(201);
    const { status, body } = await signUp(second);
    expect(status).toBe(409);
    expect(body.code).toBe("conflict");
    expect(body.field_errors).toEqual({ username: [expect.stringContaining("taken")] });
  });

  test("gives a name once to those who ask for it at the same time", async () => {
    const answers = await Promise.all(["race", "Race", "RACE", "rACE"].map((name) => signUp(name)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  test.each([
    [{}, ["password", "username"]],
    [{ username: "someone" }, ["password"]],
    [{ password: PASSWORD }, ["username"]],
    [{ username: "", password: "" }, ["password", "username"]],
  ])("names what is missing from %o", async (body, missing) => {
    const answer = await rowmill.client.post<Problem>(`${AUTH}/signup`, body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.field_errors).sort()).toEqual(missing);
  });

  test.each<[string, unknown]>([
    ["NUL in it", "a\0b"],
    ["nothing but spaces", "   "],
    ["151 characters", "x".repeat(151)],
    ["a list", ["Ada", "Grace"]],
    ["an object", { first: "Ada" }],
  ])("refuses a name that is or has %s", async (_, username) => {
    const { status, body } = await signUp(username);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["username"]);
  });

  test("refuses a NUL in the e-mail address", async () => {
    const { status, body } = await signUp("nul mail", { email: "a\0@example.com" });
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["email"]);
  });

  test.each(["", "{", "[]", '"ada"'])("refuses the body %j", async (body) => {
    const { status, headers } = await rowmill.client.send("POST", `${AUTH}/signup`, {
      body,
      headers: { "content-type": "application/json" },
    });
    expect(status).toBe(400);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
  });

  test("refuses a form in place of JSON", async () => {
    const body = new URLSearchParams({ username: "form", password: PASSWORD });
    const { status, headers } = await rowmill.client.send("POST", `${AUTH}/signup`, { body });
    expect(status).toBe(415);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
  });

  test.each([`${AUTH}/signup`, "/signup/"])("gives no rights that %s was asked for", async (path) => {
    const username = `mallory of ${path}`;
    await rowmill.client.post(path, { username, password: PASSWORD, role: "admin" });
    const { body } = await logIn(username);
    expect(body.user.role).toBe("user");
  });
});

describe("logging in", () => {
  test("gives tokens, whatever the case of the name", async () => {
    await rowmill.client.signUp("Lovelace");
    for (const name of ["Lovelace", "lOVELACE", " lovelace "]) {
      const { status, body } = await logIn(name);
      expect(status).toBe(200);
      expect(body).toEqual({
        access: expect.any(String),
        refresh: expect.any(String),
        expires_in: 3600,
        user: { id: expect.any(Number), username: "Lovelace", role: "user" },
      });
      expect((await meWith(body.access)).body).toMatchObject(body.user);
    }
  });

  test("does not tell a wrong password from an unknown name", async () => {
    await rowmill.client.signUp("known");
    const wrong = await logIn("known", "wrong horse");
    const unknown = await logIn("unknown", "wrong horse");
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(wrong.headers.getSetCookie()).toEqual([]);
    expect(wrong.body).toMatchObject({ status: 401, code: "unauthenticated", field_errors: {} });
    expect(unknown.status).toBe(401);
    expect(unknown.body).toEqual(wrong.body);
  });

  test("takes about as long for an unknown name as for a wrong password", async () => {
    await using own = await startRowmill();
    await own.client.signUp("known");
    await logIn("warm up the hash for nobody", "wrong horse", own);
    const timeOf = async (username: string) => {
      const start = performance.now();
      expect((await logIn(username, "wrong horse", own)).status).toBe(401);
      return performance.now() - start;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let i = 0; i < 5; i++) {
      known.push(await timeOf("known"));
      unknown.push(await timeOf("unknown"));
    }
    expect(median(unknown)).toBeGreaterThan(median(known) / 3);
  });

  test.each([
    [{}, ["password", "username"]],
    [{ username: "ada" }, ["password"]],
    [{ password: PASSWORD }, ["username"]],
    [{ username: "a\0b", password: PASSWORD }, ["username"]],
  ])("names what is wrong with %o", async (body, fields) => {
    const answer = await rowmill.client.post<Problem>(`${AUTH}/login`, body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.field_errors).sort()).toEqual(fields);
  });
});

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

describe("an access token", () => {
  const now = Math.floor(Date.now() / 1000);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

  /** A token as the service would make it, but for what the test wants otherwise. */
  function forge({
    alg = "HS256",
    secret = rowmill.config.jwtSecret,
    expiresAt = now + 600,
    name = "forged",
  } = {}): string {
    const head = encode({ alg, typ: "JWT" });
    const payload = encode({ sub: "1", name, role: "user", iat: now - 3600, exp: expiresAt });
    const signed = `${head}.${payload}`;
    const hash = { HS256: "sha256", HS512: "sha512" }[alg];
    const signature = hash ? createHmac(hash, secret).update(signed).digest("base64url") : "";
    return `${signed}.${signature}`;
  }

  test("is whatever has the right signature", async () => {
    const { status, body } = await meWith(forge());
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: 1, username: "forged", role: "user" });
  });

  test.each<[string, () => string | Promise<string>]>([
    ["garbage", () => "garbage"],
    ["empty parts", () => ".."],
    ["an expired token", () => forge({ expiresAt: now - 60 })],
    ["a token with alg none", () => forge({ alg: "none" })],
    ["a token signed as HS512 with the same secret", () => forge({ alg: "HS512" })],
    ["a token signed with another secret", () => forge({ secret: "another secret, long enough for it" })],
    ["a token without its signature", () => forge().replace(/[^.]+$/, "")],
    [
      "a token with the payload of another",
      () => {
        const [head, , signature] = forge().split(".");
        const [, payload] = forge({ name: "somebody else" }).split(".");
        return `${head}.${payload}.${signature}`;
      },
    ],
    ["a refresh token", async () => (await newSession("mixed up")).refresh],
  ])("can't be %s", async (_, token) => {
    const { status, headers, body } = await meWith(await token());
    expect(status).toBe(401);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(body).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  test("is needed", async () => {
    expect((await rowmill.client.get(`${AUTH}/me`)).status).toBe(401);
    expect((await rowmill.client.get(`${AUTH}/me`, { authorization: "Basic YWRhOmFkYQ==" })).status).toBe(
      401,
    );
  });

  test("does not tell of an account that was removed since", async () => {
    const { access, user } = await newSession("gone");
    await rowmill.ctx.db.delete(users).where(eq(users.id, user.id));
    const { status, body } = await meWith(access);
    expect(status).toBe(401);
    expect(body).toMatchObject({ detail: expect.stringContaining("does not exist") });
  });

  test("runs out after ACCESS_TOKEN_TTL_SECONDS", async () => {
    await using brief = await startRowmill({ ACCESS_TOKEN_TTL_SECONDS: "3" });
    const user = await brief.newUser();
    expect((await user.get(`${AUTH}/me`)).status).toBe(200);
    await until("the token has run out", async () => (await user.get(`${AUTH}/me`)).status === 401);
  });
});

describe("a refresh token", () => {
  test("gives new tokens once", async () => {
    const first = await newSession("refresher");
    const { status, body } = await refreshWith(first.refresh);
    expect(status).toBe(200);
    expect(body).toEqual({ ...first, access: expect.any(String), refresh: expect.any(String) });
    expect(body.refresh).not.toBe(first.refresh);
    expect((await meWith(body.access)).body).toMatchObject(first.user);
    expect((await refreshWith(body.refresh)).status).toBe(200);
  });

  test("that is used again ends all that came of its login", async () => {
    const first = await newSession("robbed");
    const second = (await refreshWith(first.refresh)).body;
    const third = (await refreshWith(second.refresh)).body;
    const reuse = await refreshWith(first.refresh);
    expect(reuse.status).toBe(401);
    expect(reuse.body.code).toBe("unauthenticated");
    expect((await refreshWith(third.refresh)).status).toBe(401);
  });

  test("of another login is not touched by that", async () => {
    const one = await newSession("two devices");
    const other = (await logIn("two devices")).body;
    await refreshWith(one.refresh);
    expect((await refreshWith(one.refresh)).status).toBe(401);
    const { status, body } = await refreshWith(other.refresh);
    expect(status).toBe(200);
    expect((await refreshWith(body.refresh)).status).toBe(200);
  });

  test("that is used twice at the same time works for one of the two", async () => {
    const { refresh } = await newSession("hasty");
    const answers = await Promise.all([refreshWith(refresh), refreshWith(refresh), refreshWith(refresh)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await refreshWith(winner?.body.refresh ?? "")).status).toBe(401);
  });

  test("must be known", async () => {
    const { status, body } = await refreshWith("x".repeat(43));
    expect(status).toBe(401);
    expect(body.code).toBe("unauthenticated");
  });

  test("must be sent", async () => {
    expect((await rowmill.client.post(`${AUTH}/refresh`, {})).status).toBe(401);
    expect((await rowmill.client.post(`${AUTH}/logout`, {})).status).toBe(401);
  });

  test("runs out", async () => {
    const { refresh, user } = await newSession("late");
    await rowmill.ctx.db
      .update(refreshTokens)
      .set({ expiresAt: new Date(Date.now() - 1000) })
      .where(eq(refreshTokens.userId, user.id));
    expect((await refreshWith(refresh)).status).toBe(401);
  });

  test("is stored as nothing but its hash", async () => {
    const first = await newSession("hashed");
    const second = (await refreshWith(first.refresh)).body;
    const stored = await rowmill.ctx.pool.query<{ token_hash: Buffer; text: string }>(
      "SELECT token_hash, t::text AS text FROM refresh_tokens t WHERE user_id = $1 ORDER BY created_at",
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

  test("ends the login that the token is of, and no other", async () => {
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

  test("works with an older token of the login, and twice", async () => {
    const first = await newSession("late leaver");
    const second = (await refreshWith(first.refresh)).body;
    expect((await logOut(first.refresh)).status).toBe(204);
    expect((await logOut(first.refresh)).status).toBe(204);
    expect((await refreshWith(second.refresh)).status).toBe(401);
  });
});

interface Cookie {
  readonly value: string;
  /** Names in lower case. */
  readonly attributes: ReadonlyMap<string, string>;
}

function cookiesOf(headers: Headers): Map<string, Cookie> {
  return new Map(
    headers.getSetCookie().map((line) => {
      const [[name, value], ...attributes] = line.split("; ").map((part): [string, string] => {
        const at = part.indexOf("=");
        return at === -1 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
      }) as [[string, string], ...[string, string][]];
      return [
        name,
        { value, attributes: new Map(attributes.map(([key, text]) => [key.toLowerCase(), text])) },
      ];
    }),
  );
}

describe("cookies", () => {
  let access: string;
  let refresh: string;
  beforeAll(async () => {
    ({ access, refresh } = await newSession("browser"));
  });

  function upload(headers: Record<string, string>): Promise<Answer> {
    const body = new FormData();
    body.set("file", new Blob([CSV]), "books.csv");
    return rowmill.client.send("POST", "/api/v1/batches?target=books&force=true", {
      body,
      headers: { cookie: `access_token=${access}`, ...headers },
    });
  }

  test.each([`${AUTH}/signup`, `${AUTH}/login`, `${AUTH}/refresh`, "/login/"])(
    "are set by %s, out of the reach of scripts and other sites",
    async (path) => {
      const username = `cookies of ${path}`;
      const known = path.endsWith("signup") ? null : await newSession(username);
      const { body, headers } = await rowmill.client.post<Session>(path, {
        username,
        password: PASSWORD,
        ...(known ? { refresh: known.refresh } : {}),
      });
      const cookies = cookiesOf(headers);
      expect([...cookies.keys()].sort()).toEqual(["access_token", "refresh_token"]);
      const shared = { httponly: "", samesite: "Lax" };
      expect(cookies.get("access_token")?.value).toBe(body.access);
      expect(Object.fromEntries(cookies.get("access_token")?.attributes ?? [])).toEqual({
        ...shared,
        path: "/",
        "max-age": "3600",
      });
      expect(cookies.get("refresh_token")?.value).toBe(body.refresh);
      expect(Object.fromEntries(cookies.get("refresh_token")?.attributes ?? [])).toEqual({
        ...shared,
        path: "/api/v1/auth",
        "max-age": String(30 * 86_400),
      });
    },
  );

  test("are Secure where the service is reached by https", async () => {
    await using secure = await startRowmill({ PUBLIC_URL: "https://rowmill.example.com" });
    await secure.client.signUp("browser");
    const { headers } = await logIn("browser", PASSWORD, secure);
    const cookies = cookiesOf(headers);
    expect(cookies.get("access_token")?.attributes.has("secure")).toBe(true);
    expect(cookies.get("refresh_token")?.attributes.has("secure")).toBe(true);
  });

  test("are enough to read", async () => {
    const { status, body } = await rowmill.client.get(`${AUTH}/me`, { cookie: `access_token=${access}` });
    expect(status).toBe(200);
    expect(body).toMatchObject({ username: "browser" });
  });

  test.each<Record<string, string>>([
    {},
    { origin: "https://evil.example.com" },
    { origin: "null" },
    { origin: "https://evil.example.com", "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "none" },
  ])("are not enough to change something with %o", async (headers) => {
    const { status, body } = await upload(headers);
    expect(status).toBe(403);
    expect(body).toMatchObject({ status: 403, code: "forbidden" });
  });

  test("are enough for the service's own pages", async () => {
    expect((await upload({ origin: rowmill.url })).status).toBe(202);
    expect((await upload({ origin: rowmill.config.publicUrl })).status).toBe(202);
    expect((await upload({ "sec-fetch-site": "same-origin" })).status).toBe(202);
  });

  test("do not stand in the way of a token in the header", async () => {
    const headers = { authorization: `Bearer ${access}`, origin: "https://app.example.com" };
    expect((await upload(headers)).status).toBe(202);
  });

  test("refresh and log out, but not for another site", async () => {
    const cookie = `refresh_token=${refresh}`;
    for (const path of [`${AUTH}/refresh`, `${AUTH}/logout`]) {
      expect((await rowmill.client.post(path, {}, { cookie })).status).toBe(403);
      const foreign = { cookie, origin: "https://evil.example.com" };
      expect((await rowmill.client.post(path, {}, foreign)).status).toBe(403);
    }
    const own = { cookie, origin: rowmill.url };
    const refreshed = await rowmill.client.post<Session>(`${AUTH}/refresh`, {}, own);
    expect(refreshed.status).toBe(200);
    const next = { ...own, cookie: `refresh_token=${refreshed.body.refresh}` };
    expect((await rowmill.client.post(`${AUTH}/logout`, {}, next)).status).toBe(204);
    expect((await refreshWith(refreshed.body.refresh)).status).toBe(401);
  });

  test("refresh and log out without a body too", async () => {
    const session = await newSession("browser without a body");
    const own = { cookie: `refresh_token=${session.refresh}`, origin: rowmill.url };
    const refreshed = await rowmill.client.post<Session>(`${AUTH}/refresh`, undefined, own);
    expect(refreshed.status).toBe(200);
    const next = { ...own, cookie: `refresh_token=${refreshed.body.refresh}` };
    expect((await rowmill.client.post(`${AUTH}/logout`, undefined, next)).status).toBe(204);
  });
});

describe("failed logins", () => {
  async function failTimes(times: number, username: string, at: { client: Client }): Promise<void> {
    for (let i = 0; i < times; i++) {
      expect((await logIn(username, "wrong horse", at)).status).toBe(401);
    }
  }

  test("shut a user out after the tenth, and nobody else", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    await own.client.signUp("bystander");
    await failTimes(9, "target", own);
    expect((await logIn("target", "wrong horse", own)).status).toBe(401);
    const { status, headers, body } = await logIn("target", PASSWORD, own);
    expect(status).toBe(429);
    expect(body).toMatchObject({ status: 429, code: "too_many_attempts" });
    expect(headers.getSetCookie()).toEqual([]);
    expect(headers.get("retry-after")).toMatch(/^\d+$/);
    const seconds = Number(headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(500);
    expect(seconds).toBeLessThanOrEqual(600);
    expect((await own.client.post("/login/", { username: "target", password: PASSWORD })).status).toBe(429);
    expect((await logIn("bystander", PASSWORD, own)).status).toBe(200);
  });

  test("below ten shut nobody out", async () => {
    await using own = await startRowmill();
    await own.client.signUp("forgetful");
    await failTimes(9, "forgetful", own);
    expect((await logIn("forgetful", PASSWORD, own)).status).toBe(200);
  });

  test("are counted over all API processes", async () => {
    await using own = await startRowmill();
    await using second = await startSecondApi(own);
    await own.client.signUp("target");
    await failTimes(5, "target", own);
    await failTimes(5, "target", second);
    expect((await logIn("target", PASSWORD, own)).status).toBe(429);
    expect((await logIn("target", PASSWORD, second)).status).toBe(429);
  });

  test("are counted together whatever the case of the name", async () => {
    await using own = await startRowmill();
    await own.client.signUp("Émilie");
    for (const name of ["Émilie", "émilie", "ÉMILIE", " émilie ", "E\u0301milie"])
      await failTimes(2, name, own);
    expect((await logIn("Émilie", PASSWORD, own)).status).toBe(429);
    expect((await logIn("éMILIE", PASSWORD, own)).status).toBe(429);
  });

  test("count anew after a success", async () => {
    await using own = await startRowmill();
    await own.client.signUp("clumsy");
    for (let round = 0; round < 2; round++) {
      await failTimes(9, "clumsy", own);
      expect((await logIn("clumsy", PASSWORD, own)).status).toBe(200);
    }
  });

  test("are forgiven once the time in Retry-After is over", async () => {
    await using own = await startRowmill();
    await own.client.signUp("patient");
    await failTimes(10, "patient", own);
    expect((await logIn("patient", PASSWORD, own)).status).toBe(429);
    await own.ctx.pool.query("UPDATE rate_limits SET expire = $1", [Date.now() - 1000]);
    expect((await logIn("patient", PASSWORD, own)).status).toBe(200);
  });

  test("shut out an address that tries many names", async () => {
    await using own = await startRowmill();
    await own.client.signUp("bystander");
    for (let i = 0; i < 10; i++) await failTimes(5, `name ${i}`, own);
    expect((await logIn("bystander", PASSWORD, own)).status).toBe(429);
  });

  test("at the same time are no way around the limit", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    const guesses = await Promise.all(
      Array.from({ length: 30 }, (_, i) => logIn("target", `guess number ${i}`, own)),
    );
    const heard = guesses.filter(({ status }) => status === 401);
    expect(heard.length).toBeLessThanOrEqual(10);
  });
});

describe("the log", () => {
  const root = resolve(import.meta.dirname, "../..");

  /** The real program with its real log, at its most talkative. */
  async function startProgram(own: Rowmill): Promise<{ url: string; log: () => string }> {
    const program = spawn(process.execPath, [join(root, "src/api.ts")], {
      cwd: import.meta.dirname,
      env: {
        DATABASE_URL: own.config.databaseUrl,
        JWT_SECRET: own.config.jwtSecret,
        DATABASE_POOL_MAX: "16",
        LOG_LEVEL: "trace",
        PORT: "0",
      },
    });
    let output = "";
    for (const stream of [program.stdout, program.stderr]) stream.on("data", (data) => (output += data));
    const ended = new Promise((done) => program.once("exit", done));
    atEnd(async () => {
      program.kill("SIGKILL");
      await ended;
    });
    const url = await until(
      "the API listens",
      async () => /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? null,
    );
    return { url, log: () => output };
  }

  const username = "Hedwig Personal";
  const account = { username, password: "password-of-hedwig", email: "hedwig@personal.example" };

  /** What a user does, and everything about it that must not be logged. */
  async function useProgram(url: string) {
    const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const response = await fetch(url + path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      });
      return { status: response.status, body: (await response.json()) as Session };
    };
    const signedUp = await post(`${AUTH}/signup`, account);
    expect(signedUp.status).toBe(201);
    expect((await post(`${AUTH}/signup`, account)).status).toBe(409);
    expect((await post(`${AUTH}/login`, account)).status).toBe(200);
    expect((await post(`${AUTH}/login`, { ...account, password: "guess-of-mallory" })).status).toBe(401);
    const { access, refresh } = signedUp.body;
    const headers = { authorization: `Bearer ${access}`, cookie: `access_token=${access}` };
    expect((await fetch(`${url}${AUTH}/me`, { headers })).status).toBe(200);
    const made = await post(`${AUTH}/tokens`, { name: "Hedwig's laptop" }, headers);
    const { token = "" } = made.body as { token?: string };
    const basic = Buffer.from(`${username}:${account.password}`).toString("base64");
    const guess = Buffer.from(`${username}:guess-of-mallory`).toString("base64");
    const meWith = async (authorization: string) =>
      (await fetch(`${url}${AUTH}/me`, { headers: { authorization } })).status;
    expect(await meWith(`Basic ${basic}`)).toBe(200);
    expect(await meWith(`Basic ${guess}`)).toBe(401);
    expect(await meWith(`Token ${token}`)).toBe(200);
    const secrets = [
      token,
      basic,
      guess,
      "Hedwig's laptop",
      username,
      account.email,
      account.password,
      "guess-of-mallory",
      access,
      refresh,
      "$argon2id",
    ];
    return { post, headers, refresh, secrets, meWith, basic, token };
  }

  const shownIn = (log: string, secrets: string[]) =>
    secrets.filter((secret) => log.toLowerCase().includes(secret.toLowerCase()));

  test("has nothing personal in it", async () => {
    await using own = await startRowmill();
    const { url, log } = await startProgram(own);
    const { secrets } = await useProgram(url);
    expect(shownIn(log(), [...secrets, own.config.jwtSecret])).toEqual([]);
  });

  test("has nothing personal in it where the database fails", async () => {
    await using own = await startRowmill();
    const { url, log } = await startProgram(own);
    const { post, headers, refresh, secrets, meWith, basic, token } = await useProgram(url);
    await own.ctx.pool.query("ALTER TABLE users RENAME COLUMN email TO gone");
    expect((await post(`${AUTH}/login`, account, headers)).status).toBe(500);
    expect(
      (await post(`${AUTH}/signup`, { ...account, username: "Hedwig Personal II" }, headers)).status,
    ).toBe(500);
    await own.ctx.pool.query("ALTER TABLE users RENAME TO gone");
    expect((await post(`${AUTH}/refresh`, { refresh }, headers)).status).toBe(500);
    expect(await meWith(`Basic ${basic}`)).toBe(500);
    expect(await meWith(`Token ${token}`)).toBe(500);
    await until("the failures are logged", async () => log().split("request failed").length === 6);
    expect(shownIn(log(), [...secrets, own.config.jwtSecret])).toEqual([]);
  });
});
