/** The accounts of the Task Queue & Notification API beyond the requests of its document. */
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { users } from "../../../src/schema/accounts.ts";
import type { Answer, Problem } from "../../support/client.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface Session {
  user: { id: number; username: string; email: string };
  tokens: { refresh: string; access: string };
  message: string;
}

const USERS = "/api/users";

/** As the document has it. */
const JOHN = {
  username: "john_doe",
  email: "john@example.com",
  password: "SecurePass123!",
  password2: "SecurePass123!",
  first_name: "John",
  last_name: "Doe",
};

const rowmill = useRowmill();

function post<T = Session>(path: string, body: unknown): Promise<Answer<T & Problem>> {
  return rowmill.client.post(USERS + path, body);
}

const register = (changes: object = {}) => post("/register/", { ...JOHN, ...changes });

const meWith = (access: string) =>
  rowmill.client.get("/api/v1/auth/me", { authorization: `Bearer ${access}` });

describe("registering", () => {
  test("legacy registration names every missing field", async () => {
    const { status, body } = await post("/register/", {});
    expect(status).toBe(400);
    const required = ["This field is required."];
    expect(body.field_errors).toEqual({
      username: required,
      email: required,
      password: required,
      password2: required,
    });
    expect(body.error).toContain("username: This field is required.");
  });

  test.each<[string, object, string, string]>([
    ["a second password that differs", { password2: "SecurePass124!" }, "password2", "differ"],
    ["a short password", { password: "short", password2: "short" }, "password", "8 characters"],
    ["an empty name", { username: "" }, "username", "This field may not be blank."],
    ["a name of spaces", { username: "  " }, "username", "empty"],
    ["a name of 151 characters", { username: "x".repeat(151) }, "username", "no more than 150 characters."],
    ["a list for a name", { username: ["a", "b"] }, "username", "Not a valid string."],
    ["the name of the anonymous", { username: "anonymous" }, "username", "reserved"],
    ["no address for an email", { email: "john" }, "email", "Enter a valid email address."],
    ["a line end in the email", { email: "a@b.c\nX: y" }, "email", "Enter a valid email address."],
    ["an empty email", { email: "" }, "email", "This field may not be blank."],
    ["a NUL in the email", { email: "a\0@example.com" }, "email", "Enter a valid email address."],
    ["a NUL in a name", { first_name: "a\0b" }, "first_name", "must not contain the character U+0000"],
    ["a last name of 151 characters", { last_name: "x".repeat(151) }, "last_name", "no more than 150"],
  ])("legacy registration refuses %s", async (_, changes, field, text) => {
    const { status, headers, body } = await register({ username: "refused", ...changes });
    expect(status).toBe(400);
    expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(body.field_errors).toEqual({ [field]: [expect.stringContaining(text)] });
    expect(await rowmill.ctx.db.select().from(users).where(eq(users.username, "refused"))).toEqual([]);
  });

  test("legacy registration answers 400 for a taken name, and /api/v1 answers 409", async () => {
    expect((await register({ username: "taken" })).status).toBe(201);
    const { status, body } = await register({ username: "Taken" });
    expect(status).toBe(400);
    expect(body.field_errors).toEqual({ username: ["A user with that username already exists."] });
  });

  test("legacy registration needs no first and last name", async () => {
    const { first_name: _, last_name: __, ...account } = { ...JOHN, username: "mononymous" };
    const { status, body } = await post("/register/", account);
    expect(status).toBe(201);
    expect((await meWith(body.tokens.access)).body).toMatchObject({ first_name: "", last_name: "" });
  });

  test("legacy registration ignores a requested role", async () => {
    const { body } = await register({ username: "mallory", role: "admin", is_staff: true });
    expect((await meWith(body.tokens.access)).body).toMatchObject({ role: "user" });
  });
});

describe("logging in", () => {
  test("a legacy login answers the same for a wrong name and a wrong password", async () => {
    await register({ username: "known" });
    const wrong = await post("/login/", { username: "known", password: "wrong horse" });
    const unknown = await post("/login/", { username: "unknown", password: "wrong horse" });
    expect(wrong.status).toBe(401);
    expect(wrong.body).toMatchObject({ error: "Wrong username or password.", field_errors: {} });
    expect(unknown.body).toEqual(wrong.body);
  });

  test("a legacy login names every missing field", async () => {
    const { status, body } = await post("/login/", {});
    expect(status).toBe(400);
    const required = ["This field is required."];
    expect(body.field_errors).toEqual({ username: required, password: required });
  });

  test("failed legacy logins count with all others", async () => {
    await using own = await startRowmill();
    await own.client.signUp("target");
    const guess = (path: string) => own.client.post(path, { username: "target", password: "wrong horse" });
    for (let i = 0; i < 5; i++) {
      expect((await guess("/api/users/login/")).status).toBe(401);
      expect((await guess("/api/v1/auth/login")).status).toBe(401);
    }
    expect((await guess("/api/users/login/")).status).toBe(429);
  });

  test("a legacy login refuses a body that is not JSON", async () => {
    const { status, body } = await rowmill.client.send<Problem>("POST", `${USERS}/login/`, {
      body: "{",
      headers: { "content-type": "application/json" },
    });
    expect(status).toBe(400);
    expect(body.error).not.toBe("");
  });
});

describe("refreshing", () => {
  test("a legacy refresh token works once, and reuse ends its login", async () => {
    const { refresh } = (await register({ username: "robbed" })).body.tokens;
    const next = await post<{ refresh: string }>("/token/refresh/", { refresh });
    expect(next.status).toBe(200);
    const last = await post<{ refresh: string }>("/token/refresh/", { refresh: next.body.refresh });
    expect((await post("/token/refresh/", { refresh })).status).toBe(401);
    expect((await post("/token/refresh/", { refresh: last.body.refresh })).status).toBe(401);
  });

  test("a legacy refresh names a missing or unknown token", async () => {
    const missing = await post("/token/refresh/", {});
    expect(missing.status).toBe(400);
    expect(missing.body.field_errors).toEqual({ refresh: ["This field is required."] });
    expect((await post("/token/refresh/", { refresh: "nonsense" })).status).toBe(401);
  });
});
