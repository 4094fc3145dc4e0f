/** The endpoints of S4's document (a Django service with background tasks), replayed call by call. */
import { describe, expect, test } from "vitest";
import type { Client, Problem } from "../../support/client.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface LoggedIn {
  readonly message: string;
  readonly user_id: number;
  readonly username: string;
  readonly token: string;
  readonly email_sent?: string;
}

/** The two registrations of the document. */
const NEW_USER = { username: "newuser", email: "user@example.com", password: "securepass123" };
const TEST_USER = {
  username: "testuser123",
  email: "test@example.com",
  password: "securepass123",
  first_name: "Test",
  last_name: "User",
};

const rowmill = useRowmill();

const register = (body: object, slash = "/") => rowmill.client.post<LoggedIn>(`/api/register${slash}`, body);

const logIn = (body: object) => rowmill.client.post<LoggedIn & Problem>("/api/login/", body);

const withToken = (path: string, token: string, scheme = "Token") =>
  rowmill.client.get<Record<string, unknown>>(path, { authorization: `${scheme} ${token}` });

describe("the document's own session", () => {
  test("a registration answers as the document shows, and its token works in every place", async () => {
    const { status, body } = await register(NEW_USER);
    expect(status).toBe(201);
    expect(body).toEqual({
      message: "User registered successfully!",
      user_id: expect.any(Number),
      username: "newuser",
      token: expect.any(String),
      email_sent: "Welcome email will be sent shortly",
    });
    expect(Object.keys(body)).toEqual(["message", "user_id", "username", "token", "email_sent"]);
    for (const scheme of ["Token", "Bearer"]) {
      for (const path of ["/api/protected/", "/api/protected", "/api/v1/batches"])
        expect((await withToken(path, body.token, scheme)).status).toBe(200);
    }
  });

  test("the document's curl registers a user with names, and the profile shows them", async () => {
    const { status, body } = await register(TEST_USER, "");
    expect(status).toBe(201);
    const profile = await withToken("/api/profile/", body.token);
    expect(profile.body).toEqual({
      id: body.user_id,
      username: "testuser123",
      email: "test@example.com",
      first_name: "Test",
      last_name: "User",
      date_joined: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  test("a login answers with a token of its own, and the first one stays valid", async () => {
    const first = (await register({ ...NEW_USER, username: "twice" })).body.token;
    const { status, body } = await logIn({ username: "twice", password: NEW_USER.password });
    expect(status).toBe(200);
    expect(body).toEqual({
      message: "Login successful!",
      user_id: expect.any(Number),
      username: "twice",
      token: expect.any(String),
    });
    expect(body.token).not.toBe(first);
    for (const token of [first, body.token])
      expect((await withToken("/api/protected", token)).body.message).toBe(
        "Hello, twice! Your token is valid.",
      );
  });

  test("the public endpoint needs no token, the others do", async () => {
    for (const path of ["/api/public/", "/api/public"])
      expect((await rowmill.client.get(path)).body).toEqual({
        message: "This is a public endpoint. It needs no token.",
      });
    for (const path of ["/api/protected/", "/api/profile/"]) {
      expect((await rowmill.client.get(path)).status).toBe(401);
      expect((await withToken(path, "rmt_wrong")).status).toBe(401);
    }
  });
});

describe("refusals", () => {
  test("every field is named, in the words of Django", async () => {
    const { status, body } = await rowmill.client.post<Problem>("/api/register/", { username: "" });
    expect(status).toBe(400);
    expect(body.field_errors).toEqual({
      username: ["This field may not be blank."],
      email: ["This field is required."],
      password: ["This field is required."],
    });
  });

  test("a taken name and a wrong address are refused with 400", async () => {
    await register({ ...NEW_USER, username: "taken" });
    const taken = await rowmill.client.post<Problem>("/api/register/", { ...NEW_USER, username: "Taken" });
    expect([taken.status, taken.body.field_errors]).toEqual([
      400,
      { username: ["A user with that username already exists."] },
    ]);
    const wrong = await rowmill.client.post<Problem>("/api/register/", { ...NEW_USER, email: "a\r\nb@c" });
    expect([wrong.status, wrong.body.field_errors]).toEqual([
      400,
      { email: ["Enter a valid email address."] },
    ]);
  });

  test("a wrong password is refused, and a form is accepted like JSON", async () => {
    await register({ ...NEW_USER, username: "former" });
    expect((await logIn({ username: "former", password: "wrong" })).status).toBe(401);
    const form = await rowmill.client.send<LoggedIn>("POST", "/api/login/", {
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ username: "former", password: NEW_USER.password }).toString(),
    });
    expect(form.status).toBe(200);
  });
});

test("only the tokens of the ten newest logins are valid, and other tokens stay", async () => {
  const account = { ...NEW_USER, username: "often" };
  const tokens = [(await register(account)).body.token];
  const user: Client = await rowmill.client.logIn("often", account.password);
  const own = (await user.post<{ token: string }>("/api/v1/auth/tokens", { name: "nightly" })).body.token;
  for (let login = 0; login < 10; login++)
    tokens.push((await logIn({ username: "often", password: account.password })).body.token);
  const statuses = await Promise.all(
    [...tokens, own].map(async (token) => (await withToken("/api/protected", token)).status),
  );
  expect(statuses).toEqual([401, ...Array(11).fill(200)]);
});
