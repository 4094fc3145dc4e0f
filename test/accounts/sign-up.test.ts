import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { hashPassword } from "../../src/accounts/passwords.ts";
import { users } from "../../src/schema/accounts.ts";
import { AUTH, authOf, PASSWORD } from "../support/auth.ts";
import type { Problem } from "../support/client.ts";
import { startRowmill } from "../support/rowmill.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const { logIn, signUp, refreshWith, meWith } = authOf(rowmill);

describe("signing up", () => {
  test("signing up creates an account and returns valid tokens", async () => {
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
      email_confirmed: false,
      first_name: "",
      last_name: "",
      email_refusal: null,
    });
    expect((await refreshWith(body.refresh)).status).toBe(200);
    expect((await logIn("ada")).body.user).toEqual(body.user);
    const [stored] = await rowmill.ctx.db.select().from(users).where(eq(users.id, body.user.id));
    expect(stored).toMatchObject({ username: "ada", email: "ada@example.com", role: "user" });
  });

  test("signing up stores the password as an argon2id hash with OWASP's parameters", async () => {
    await signUp("hash me");
    const [stored] = await rowmill.ctx.db.select().from(users).where(eq(users.username, "hash me"));
    expect(stored?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
    expect(JSON.stringify(stored)).not.toContain(PASSWORD);
  });

  test("signing up requires a password of 8 characters", async () => {
    const { status, headers, body } = await signUp("brief", { password: "1234567" });
    expect(status).toBe(400);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(Object.keys(body.field_errors)).toEqual(["password"]);
    expect(body.detail).toContain("8");
    expect((await signUp("brief", { password: "8 apples" })).status).toBe(201);
  });

  test.each(["12345678", "password1", "PassWord123", "qwertyuiop"])(
    "signing up refuses the common password %s",
    async (password) => {
      for (const path of [`${AUTH}/signup`, "/api/users/register/"]) {
        const account = { username: "careless", password, password2: password, email: "ada@example.com" };
        const { status, body } = await rowmill.client.post<Problem>(path, account);
        expect(status).toBe(400);
        expect(body.field_errors).toEqual({ password: [expect.stringContaining("most common passwords")] });
      }
    },
  );

  test("signing up refuses a password that is little more than the username", async () => {
    const { status, body } = await signUp("hannibal", { password: "hannibal-247" });
    expect(status).toBe(400);
    expect(body.field_errors).toEqual({ password: [expect.stringContaining("username")] });
  });

  test("a change of the password refuses short and common passwords", async () => {
    const { body: login } = await signUp("careful");
    for (const [new_password, problem] of [
      ["password1", "most common passwords"],
      ["1234567", "8 characters"],
    ]) {
      const { status, body } = await rowmill.client
        .as(login)
        .post<Problem>(`${AUTH}/password`, { current_password: PASSWORD, new_password });
      expect(status).toBe(400);
      expect(body.field_errors).toEqual({ new_password: [expect.stringContaining(problem ?? "")] });
    }
    expect((await logIn("careful")).status).toBe(200);
  });

  test("the legacy signup accepts any password unless PASSWORD_MIN_LENGTH is set", async () => {
    const careless = { username: "careless", password: "password1" };
    expect((await rowmill.client.post("/signup/", careless)).status).toBe(201);
    await using strict = await startRowmill({ PASSWORD_MIN_LENGTH: "8" });
    expect((await strict.client.post("/signup/", careless)).status).toBe(400);
  });

  test.each([`${AUTH}/signup`, "/signup/", "/api/users/register/"])(
    "%s refuses names that could be taken for others, and addresses with line ends",
    async (path) => {
      const account = {
        username: "ada\u200b",
        password: PASSWORD,
        password2: PASSWORD,
        email: "ada@example.com",
      };
      for (const username of ["ada\u200b", "ada\u202e", "\u0430da"]) {
        const { status, body } = await rowmill.client.post<Problem>(path, { ...account, username });
        expect([status, Object.keys(body.field_errors)]).toEqual([400, ["username"]]);
      }
      for (const email of [
        "ada@example.com\nBcc: eve@example.com",
        "ada\u0007@example.com",
        '"a\r\nb"@example.com',
      ]) {
        const { status, body } = await rowmill.client.post<Problem>(path, {
          ...account,
          username: "ada2",
          email,
        });
        expect([status, Object.keys(body.field_errors)]).toEqual([400, ["email"]]);
      }
    },
  );

  test("an account whose name would be refused today still logs in", async () => {
    const passwordHash = await hashPassword(PASSWORD);
    await rowmill.ctx.db.insert(users).values({ username: "old\u200bname", passwordHash });
    expect((await logIn("old\u200bname")).status).toBe(200);
  });

  test("password length is counted in characters", async () => {
    const { status, body } = await signUp("cats", { password: "🐈".repeat(7) });
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["password"]);
  });

  test.each([
    ["Grace", "gRACE"],
    ["Émile", "éMILE"],
    ["spaced", " Spaced "],
    ["Zoe\u0308", "zo\u00eb"],
  ])("the name %s is taken for %s", async (first, second) => {
    expect((await signUp(first)).status).toBe(201);
    const { status, body } = await signUp(second);
    expect(status).toBe(409);
    expect(body.code).toBe("conflict");
    expect(body.field_errors).toEqual({ username: [expect.stringContaining("taken")] });
  });

  test("concurrent signups with one name create one account", async () => {
    const answers = await Promise.all(["race", "Race", "RACE", "rACE"].map((name) => signUp(name)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  test.each([
    [{}, ["password", "username"]],
    [{ username: "someone" }, ["password"]],
    [{ password: PASSWORD }, ["username"]],
    [{ username: "", password: "" }, ["password", "username"]],
  ])("signing up with %o names the missing fields", async (body, missing) => {
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
  ])("signing up refuses a name with %s", async (_, username) => {
    const { status, body } = await signUp(username);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["username"]);
  });

  test.each(["a\0@example.com", "ada", "a da@example.com", "ada@example.com\r\nBcc: eve@example.com"])(
    "signing up refuses the e-mail address %j",
    async (email) => {
      const { status, body } = await signUp("bad mail", { email });
      expect(status).toBe(400);
      expect(Object.keys(body.field_errors)).toEqual(["email"]);
    },
  );

  test.each(["", "{", "[]", '"ada"'])("signing up refuses the body %j", async (body) => {
    const { status, headers } = await rowmill.client.send("POST", `${AUTH}/signup`, {
      body,
      headers: { "content-type": "application/json" },
    });
    expect(status).toBe(400);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
  });

  test("signing up refuses a form", async () => {
    const body = new URLSearchParams({ username: "form", password: PASSWORD });
    const { status, headers } = await rowmill.client.send("POST", `${AUTH}/signup`, { body });
    expect(status).toBe(415);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
  });

  test.each([`${AUTH}/signup`, "/signup/"])("signing up at %s ignores a requested role", async (path) => {
    const username = `mallory of ${path}`;
    await rowmill.client.post(path, { username, password: PASSWORD, role: "admin" });
    const { body } = await logIn(username);
    expect(body.user.role).toBe("user");
  });
});
