/** `Authorization: Basic`, sent with every request by clients that know nothing else. */
import argon2 from "argon2";
import { eq, sql } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { hashPassword, NO_PASSWORD } from "../../src/accounts/passwords.ts";
import { anonymousUser } from "../../src/legacy/csv-importer/anonymous.ts";
import { users } from "../../src/schema/accounts.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";
import { startSecondApi } from "../support/second-api.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const ME = "/api/v1/auth/me";
const PASSWORD = "correct horse";

const rowmill = useRowmill();
afterEach(() => vi.restoreAllMocks());

type Me = Answer<{ id: number; username: string; role: string } & Problem>;

const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

function meAs(username: string, password = PASSWORD, { client }: { client: Client } = rowmill): Promise<Me> {
  return client.get(ME, { authorization: basic(username, password) });
}

const meWith = (authorization: string): Promise<Me> => rowmill.client.get(ME, { authorization });

async function setPassword({ ctx }: Rowmill, username: string, password: string): Promise<void> {
  const passwordHash = await hashPassword(password);
  await ctx.db.update(users).set({ passwordHash }).where(eq(users.username, username));
}

/** Counts what is hashed, and hashes it. */
const countHashes = () => vi.spyOn(argon2, "verify");

describe("a name and a password", () => {
  test("Basic authentication allows reads and writes", async () => {
    const { userId } = await rowmill.client.signUp("ada");
    const { status, body } = await meAs("ada");
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: userId, username: "ada", role: "user" });
    expect((await upload({})).status).toBe(202);
  });

  const upload = (headers: Record<string, string>) => {
    const body = new FormData();
    body.set("file", new Blob(["title,author\nEmma,Jane Austen\n"]), "books.csv");
    return rowmill.client.send("POST", "/api/v1/batches?target=books&force=true", {
      body,
      headers: { authorization: basic("ada", PASSWORD), ...headers },
    });
  };

  test("Basic credentials from another site change nothing", async () => {
    await rowmill.client.signUp("browser");
    const authorization = basic("browser", PASSWORD);
    for (const foreign of [
      { origin: "https://evil.example.com" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]) {
      const { status, headers } = await upload({ authorization, ...(foreign as object) });
      expect(status).toBe(403);
      expect(headers.has("www-authenticate")).toBe(false);
    }
    expect((await upload({ authorization, origin: rowmill.url })).status).toBe(202);
    expect((await upload({ authorization, "sec-fetch-site": "same-origin" })).status).toBe(202);
  });

  test("Basic authentication ignores the case of the scheme and the name", async () => {
    await rowmill.client.signUp("Grace");
    for (const name of ["Grace", "gRACE", " grace "]) expect((await meAs(name)).status).toBe(200);
    const credentials = basic("Grace", PASSWORD).replace("Basic ", "");
    for (const scheme of ["basic ", "BASIC ", "Basic   "])
      expect((await meWith(scheme + credentials)).status).toBe(200);
  });

  test.each<[string, string, string]>([
    ["a colon", "colon", "one:two:three:"],
    ["nothing but colons", "colons", "::::::::"],
    ["letters of all kinds", "Zoë 東京", "пароль 🐈 motörhead"],
    ["spaces around", "spaces", "  spaced out  "],
    ["a byte order mark before", "marked", "\ufeffcorrect horse"],
    ["control characters", "control", "tab\tnewline\nnul\0."],
  ])("a password with %s works with Basic authentication", async (_, username, password) => {
    await rowmill.client.signUp(username, password);
    expect((await meAs(username, password)).body.username).toBe(username);
    expect((await meAs(username, password.slice(1))).status).toBe(401);
  });

  test("Basic credentials may lack base64 padding", async () => {
    await rowmill.client.signUp("padded");
    const sent = basic("padded", PASSWORD);
    expect(sent).toMatch(/=$/);
    expect((await meWith(sent.replace(/=+$/, ""))).status).toBe(200);
  });

  const encode = (...bytes: (string | number[])[]) =>
    Buffer.concat(bytes.map((part) => Buffer.from(part as string))).toString("base64");

  test.each<[string, string]>([
    ["nothing", "Basic"],
    ["no base64", "Basic ada:secret"],
    ["half of base64", "Basic YWRhO"],
    ["two words", `Basic ${encode("ada:x")} ${encode("ada:x")}`],
    ["no colon", `Basic ${encode("ada")}`],
    ["no name", `Basic ${encode(":correct horse")}`],
    ["a name of spaces", `Basic ${encode("  :correct horse")}`],
    ["a NUL in the name", `Basic ${encode("a\0da:correct horse")}`],
    ["bytes that are no UTF-8", `Basic ${encode("ada:", [0xff, 0xfe])}`],
    ["half of a surrogate pair", `Basic ${encode("ada:", [0xed, 0xa0, 0x80])}`],
  ])("Basic authentication refuses %s", async (_, authorization) => {
    const hashes = countHashes();
    const { status, headers, body } = await meWith(authorization);
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe('Basic realm="rowmill", charset="UTF-8"');
    expect(body.detail).toContain("base64 of `username:password` in UTF-8");
    expect(hashes).not.toHaveBeenCalled();
  });

  test("wrong Basic credentials are refused like a wrong login", async () => {
    await rowmill.client.signUp("known");
    const wrong = await meAs("known", "wrong horse");
    const unknown = await meAs("unknown", "wrong horse");
    expect(wrong.status).toBe(401);
    expect(wrong.body).toMatchObject({ code: "unauthenticated", error: "Wrong username or password." });
    expect(wrong.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect(unknown.body).toEqual(wrong.body);
    expect((await meAs("known", "")).status).toBe(401);
  });

  test("accounts without a password cannot use Basic authentication", async () => {
    await anonymousUser(rowmill.ctx);
    await rowmill.ctx.db.insert(users).values({ username: "imported", passwordHash: NO_PASSWORD });
    for (const [name, marker] of [
      ["anonymous", "!anonymous"],
      ["imported", NO_PASSWORD],
    ] as const)
      for (const password of ["", marker, PASSWORD])
        expect((await meAs(name, password)).status, `${name}:${password}`).toBe(401);
  });

  test("Basic authentication uses the current role of the account", async () => {
    await rowmill.client.signUp("promoted");
    expect((await meAs("promoted")).body.role).toBe("user");
    await rowmill.ctx.db.update(users).set({ role: "operator" }).where(eq(users.username, "promoted"));
    expect((await meAs("promoted")).body.role).toBe("operator");
  });
});

describe("what stands in the header", () => {
  test("the authorization header takes precedence over a valid cookie", async () => {
    const user = await rowmill.newUser();
    const cookie = `access_token=${user.token}`;
    expect((await rowmill.client.get(ME, { cookie })).status).toBe(200);
    for (const authorization of ["Bearer nonsense", basic("nobody", PASSWORD), "Digest x", "nonsense"])
      expect((await rowmill.client.get(ME, { cookie, authorization })).status).toBe(401);
  });

  test.each([
    ["Bearer nonsense", 'Bearer realm="rowmill"'],
    ["Token nonsense", 'Token realm="rowmill"'],
    ["Token", 'Token realm="rowmill"'],
    ["Digest nonsense", 'Bearer realm="rowmill"'],
    ["constructor nonsense", 'Bearer realm="rowmill"'],
  ])("a 401 challenges in the scheme that was sent: %s", async (authorization, challenge) => {
    const { status, headers } = await meWith(authorization);
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe(challenge);
  });

  test("a 401 without a header challenges with Bearer", async () => {
    const { headers } = await rowmill.client.get(ME);
    expect(headers.get("www-authenticate")).toBe('Bearer realm="rowmill"');
  });

  test("an answer to valid credentials has no challenge", async () => {
    await rowmill.client.signUp("unchallenged");
    expect((await meAs("unchallenged")).headers.has("www-authenticate")).toBe(false);
  });

  test("anonymous uploads need no header, and an invalid header is refused", async () => {
    await using open = await startRowmill({ ANONYMOUS_UPLOADS: "true" });
    await open.client.signUp("ada");
    const upload = (headers: Record<string, string>) => {
      const body = new FormData();
      body.set("file", new Blob(["a,b\n1,2\n"]), "any.csv");
      return open.client.send("POST", "/upload", { body, headers });
    };
    expect((await upload({})).status).toBe(200);
    expect((await upload({ authorization: basic("ada", PASSWORD) })).status).toBe(200);
    expect((await upload({ authorization: basic("ada", "wrong horse") })).status).toBe(401);
  });
});

describe("a password that was right", () => {
  test("fifty polls hash a correct password once", async () => {
    await rowmill.client.signUp("poller");
    const hashes = countHashes();
    for (let i = 0; i < 50; i++) expect((await meAs("poller")).status).toBe(200);
    expect(hashes).toHaveBeenCalledTimes(1);
  });

  test("fifty concurrent polls hash a correct password once", async () => {
    await rowmill.client.signUp("crowd");
    const hashes = countHashes();
    const answers = await Promise.all(Array.from({ length: 50 }, () => meAs("crowd")));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(hashes).toHaveBeenCalledTimes(1);
  });

  test("a remembered password is valid only for its own account", async () => {
    await rowmill.client.signUp("one");
    await rowmill.client.signUp("other", "another horse");
    expect((await meAs("one")).status).toBe(200);
    expect((await meAs("one", "another horse")).status).toBe(401);
    expect((await meAs("other")).status).toBe(401);
    expect((await meAs("one")).status).toBe(200);
  });

  test("a changed password is invalid at once in every process", async () => {
    await using own = await startRowmill();
    await using second = await startSecondApi(own);
    await own.client.signUp("changer");
    for (const at of [own, second]) expect((await meAs("changer", PASSWORD, at)).status).toBe(200);
    await setPassword(own, "changer", "another horse");
    for (const at of [own, second]) {
      expect((await meAs("changer", PASSWORD, at)).status).toBe(401);
      expect((await meAs("changer", "another horse", at)).status).toBe(200);
    }
  });

  test("a password stays valid if it is stored with a new hash", async () => {
    await rowmill.client.signUp("rehashed");
    expect((await meAs("rehashed")).status).toBe(200);
    await setPassword(rowmill, "rehashed", PASSWORD);
    const hashes = countHashes();
    const answers = await Promise.all(Array.from({ length: 20 }, () => meAs("rehashed")));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(hashes.mock.calls.length).toBeLessThanOrEqual(2);
  });

  test("a password is invalid after its account is removed, also for a new account of that name", async () => {
    const { userId } = await rowmill.client.signUp("removed");
    expect((await meAs("removed")).status).toBe(200);
    await rowmill.ctx.db.delete(users).where(eq(users.id, userId));
    expect((await meAs("removed")).status).toBe(401);
    await rowmill.client.signUp("Removed", "another horse");
    expect((await meAs("removed")).status).toBe(401);
  });
});

describe("wrong passwords", () => {
  async function failTimes(times: number, username: string, own: Rowmill): Promise<void> {
    for (let i = 0; i < times; i++) expect((await meAs(username, `guess ${i}`, own)).status).toBe(401);
  }

  test("wrong Basic passwords count as failed logins", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    const logIn = (password: string) =>
      own.client.post("/api/v1/auth/login", { username: "target", password });
    await failTimes(5, "target", own);
    for (let i = 0; i < 5; i++) expect((await logIn("wrong horse")).status).toBe(401);
    const { status, headers, body } = await meAs("target", PASSWORD, own);
    expect(status).toBe(429);
    expect(body.code).toBe("too_many_attempts");
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(30);
    expect((await logIn(PASSWORD)).status).toBe(429);
  });

  test("other clients' wrong passwords do not lock out a correct one", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    expect((await meAs("target", PASSWORD, own)).status).toBe(200);
    await failTimes(10, "target", own);
    expect((await meAs("target", "one more guess", own)).status).toBe(429);
    expect((await meAs("target", PASSWORD, own)).status).toBe(200);
  });

  test("concurrent wrong passwords do not exceed the limit", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    const guesses = await Promise.all(
      Array.from({ length: 30 }, (_, i) => meAs("target", `guess number ${i}`, own)),
    );
    expect(guesses.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(10);
    expect(guesses.map(({ status }) => status).filter((status) => status !== 401 && status !== 429)).toEqual(
      [],
    );
  });

  test("many clients of one address with correct passwords are not locked out", async () => {
    await using own = await startRowmill();
    const names = Array.from({ length: 80 }, (_, i) => `client ${i}`);
    const passwordHash = await hashPassword(PASSWORD);
    await own.ctx.db.insert(users).values(names.map((username) => ({ username, passwordHash })));
    const answers = await Promise.all(names.map((name) => meAs(name, PASSWORD, own)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test("a failure of the database is not reported as a wrong password", async () => {
    await using own = await startRowmill();
    await own.client.signUp("ada");
    expect((await meAs("ada", PASSWORD, own)).status).toBe(200);
    await own.ctx.db.execute(sql`ALTER TABLE rowmill.users RENAME TO gone`);
    expect((await meAs("ada", PASSWORD, own)).status).toBe(500);
    await own.ctx.db.execute(sql`ALTER TABLE rowmill.gone RENAME TO users`);
    expect((await meAs("ada", PASSWORD, own)).status).toBe(200);
  });
});
