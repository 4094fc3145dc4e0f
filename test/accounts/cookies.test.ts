import { beforeAll, describe, expect, test } from "vitest";
import { AUTH, authOf, cookiesOf, PASSWORD, type Session } from "../support/auth.ts";
import type { Answer } from "../support/client.ts";
import { startRowmill } from "../support/rowmill.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const { logIn, newSession, refreshWith } = authOf(rowmill);

const CSV = "title,author\nEmma,Jane Austen\n";

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

  test("cookies are Secure if PUBLIC_URL is https", async () => {
    await using secure = await startRowmill({ PUBLIC_URL: "https://rowmill.example.com" });
    await secure.client.signUp("browser");
    const { headers } = await logIn("browser", PASSWORD, secure);
    const cookies = cookiesOf(headers);
    expect(cookies.get("access_token")?.attributes.has("secure")).toBe(true);
    expect(cookies.get("refresh_token")?.attributes.has("secure")).toBe(true);
  });

  test("cookies authenticate reads", async () => {
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
  ])("cookies do not authenticate a change with %o", async (headers) => {
    const { status, body } = await upload(headers);
    expect(status).toBe(403);
    expect(body).toMatchObject({ status: 403, code: "forbidden" });
  });

  test("cookies authenticate changes from the service's own pages", async () => {
    expect((await upload({ origin: rowmill.url })).status).toBe(202);
    expect((await upload({ origin: rowmill.config.publicUrl })).status).toBe(202);
    expect((await upload({ "sec-fetch-site": "same-origin" })).status).toBe(202);
  });

  test("a token in the header takes precedence over cookies", async () => {
    const headers = { authorization: `Bearer ${access}`, origin: "https://app.example.com" };
    expect((await upload(headers)).status).toBe(202);
  });

  test("cookies refresh and log out, but not from another site", async () => {
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

  test("cookies refresh and log out without a body", async () => {
    const session = await newSession("browser without a body");
    const own = { cookie: `refresh_token=${session.refresh}`, origin: rowmill.url };
    const refreshed = await rowmill.client.post<Session>(`${AUTH}/refresh`, undefined, own);
    expect(refreshed.status).toBe(200);
    const next = { ...own, cookie: `refresh_token=${refreshed.body.refresh}` };
    expect((await rowmill.client.post(`${AUTH}/logout`, undefined, next)).status).toBe(204);
  });
});
