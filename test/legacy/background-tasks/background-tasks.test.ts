/** The Django service with Celery background tasks beyond the requests of its document. */
import { describe, expect, test } from "vitest";
import type { Client, Problem } from "../../support/client.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

interface LoggedIn {
  readonly token: string;
}

const NEW_USER = { username: "newuser", email: "user@example.com", password: "securepass123" };

const rowmill = useRowmill();

const register = (body: object) => rowmill.client.post<LoggedIn>("/api/register/", body);

const logIn = (body: object) => rowmill.client.post<LoggedIn & Problem>("/api/login/", body);

const withToken = (path: string, token: string) =>
  rowmill.client.get(path, { authorization: `Token ${token}` });

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
