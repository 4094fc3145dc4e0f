/** Logins of pages: the tokens are in cookies alone. */
import { describe, expect, test } from "vitest";
import { AUTH, cookiesOf, PASSWORD, type Session } from "../support/auth.ts";
import type { Answer, Problem } from "../support/client.ts";
import { EventClient } from "../support/events.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const BROWSER = `${AUTH}/browser`;
const OWN_PAGE = { "sec-fetch-site": "same-origin" };

const rowmill = useRowmill();

type BrowserAnswer = Promise<Answer<Pick<Session, "expires_in" | "user"> & Problem>>;

function send(verb: string, body: object | undefined, headers: Record<string, string>): BrowserAnswer {
  return rowmill.client.post(`${BROWSER}/${verb}`, body, headers);
}

/** The cookies of an answer, as a browser sends them again. */
function cookieHeader({ headers }: Pick<Answer, "headers">): string {
  return [...cookiesOf(headers)].map(([name, { value }]) => `${name}=${value}`).join("; ");
}

/** Logs in as a new user. */
async function openSession(username: string): Promise<string> {
  const answer = await send("signup", { username, password: PASSWORD }, OWN_PAGE);
  expect(answer.status).toBe(201);
  return cookieHeader(answer);
}

function me(cookie: string): Promise<Answer> {
  return rowmill.client.get(`${AUTH}/me`, { cookie });
}

test("sign-up, login and refresh set the tokens as cookies and return none", async () => {
  const credentials = { username: "ada", password: PASSWORD };
  const signedUp = await send("signup", { ...credentials, email: "ada@example.com" }, OWN_PAGE);
  const loggedIn = await send("login", credentials, { origin: rowmill.url });
  const refreshed = await send("refresh", undefined, { cookie: cookieHeader(loggedIn), ...OWN_PAGE });
  expect([signedUp.status, loggedIn.status, refreshed.status]).toEqual([201, 200, 200]);
  const user = { id: expect.any(Number), username: "ada", role: "user" };
  for (const answer of [signedUp, loggedIn, refreshed]) {
    expect(answer.body).toEqual({ expires_in: 3600, user });
    const cookies = cookiesOf(answer.headers);
    expect([...cookies.keys()].filter((name) => !name.startsWith("device_")).sort()).toEqual([
      "access_token",
      "refresh_token",
    ]);
    for (const { attributes } of cookies.values()) expect(attributes.has("httponly")).toBe(true);
    // The browser sends the token to the refresh and to the logout.
    expect(BROWSER.startsWith(`${cookies.get("refresh_token")?.attributes.get("path")}/`)).toBe(true);
    expect((await me(cookieHeader(answer))).body).toMatchObject({ username: "ada" });
  }
  const cookie = cookieHeader(refreshed);
  expect((await rowmill.client.post(`${AUTH}/logout`, undefined, { cookie, ...OWN_PAGE })).status).toBe(204);
  expect((await me(cookie)).status).toBe(401);
});

describe("another site", () => {
  test.each<Record<string, string>>([
    {},
    { origin: "https://evil.example.com" },
    { origin: "null", "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "cross-site" },
  ])("cannot log a visitor in or refresh with %o", async (headers) => {
    const cookie = await openSession(`visitor ${Object.values(headers).join(" ")}`.trim());
    const username = `planted ${Object.values(headers).join(" ")}`.trim();
    await rowmill.client.signUp(username);
    for (const [verb, body] of [
      ["signup", { username: "intruder", password: PASSWORD }],
      ["login", { username, password: PASSWORD }],
      ["refresh", undefined],
    ] as const) {
      const answer = await send(verb, body, { ...headers, cookie });
      expect(answer.status).toBe(403);
      expect(answer.body.detail).toContain("`/api/v1/auth/login`");
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect((await me(cookie)).status).toBe(200);
  });
});

test("the errors are those of the other routes", async () => {
  const wrong = await send("login", { username: "nobody", password: PASSWORD }, OWN_PAGE);
  expect([wrong.status, wrong.body.code]).toEqual([401, "unauthenticated"]);
  const short = await send("signup", { username: "brief", password: "short" }, OWN_PAGE);
  expect([short.status, Object.keys(short.body.field_errors)]).toEqual([400, ["password"]]);
  await rowmill.client.signUp("taken");
  const taken = await send("signup", { username: "Taken", password: PASSWORD }, OWN_PAGE);
  expect([taken.status, taken.body.code]).toEqual([409, "conflict"]);
  const none = await send("refresh", undefined, OWN_PAGE);
  expect([none.status, none.body.code]).toEqual([401, "unauthenticated"]);
});

test("two tabs that refresh at the same time both stay logged in", async () => {
  const cookie = await openSession("two tabs");
  const answers = await Promise.all([1, 2].map(() => send("refresh", undefined, { cookie, ...OWN_PAGE })));
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const [first, second] = answers.map(({ headers }) => cookiesOf(headers).get("refresh_token")?.value);
  expect(first).toBe(second);
  for (const answer of answers) expect((await me(cookieHeader(answer))).status).toBe(200);
});

test("an event stream with an expired access token gets 401, and 200 after a refresh", async () => {
  const cookie = await openSession("follower");
  const { sub, sid } = rowmill.app.jwt.decode<{ sub: string; sid: string }>(
    /access_token=([^;]+)/.exec(cookie)?.[1] ?? "",
  ) ?? { sub: "", sid: "" };
  const expired = rowmill.app.jwt.sign({ sub, sid, iat: Math.floor(Date.now() / 1000) - 7200 } as never);
  const events = `${rowmill.url}/api/v1/notifications/events`;
  const open = (own: string) => EventClient.open(events, { cookie: own, accept: "text/event-stream" });
  const refused = await open(`access_token=${expired}`);
  expect(refused.response.statusCode).toBe(401);
  expect(refused.response.headers["content-type"]).toContain("application/problem+json");
  const refreshed = await send("refresh", undefined, { cookie, ...OWN_PAGE });
  const stream = await open(cookieHeader(refreshed));
  expect(stream.response.statusCode).toBe(200);
  stream.leave();
});
