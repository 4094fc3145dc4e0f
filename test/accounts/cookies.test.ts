import { beforeAll, describe, expect, test } from "vitest";
import { AUTH, authOf, cookiesOf, PASSWORD, type Session } from "../support/auth.ts";
import type { Answer } from "../support/client.ts";
import { startRowmill } from "../support/rowmill.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const { newSession, refreshWith } = authOf(rowmill);

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
      const names = [
        "access_token",
        ...(path.endsWith("refresh") ? [] : [`device_${(known ?? body).user.id}`]),
        "refresh_token",
      ];
      expect([...cookies.keys()].sort()).toEqual(names);
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

  test.each([
    ["PUBLIC_URL is https", { PUBLIC_URL: "https://rowmill.example.com" }, {}],
    ["a trusted proxy says https", { TRUST_PROXY: "loopback" }, { "x-forwarded-proto": "https" }],
  ])("cookies are Secure and belong to one host if %s", async (_, settings, headers) => {
    await using secure = await startRowmill(settings);
    await secure.client.signUp("browser");
    const credentials = { username: "browser", password: PASSWORD };
    const session = await secure.client.post<Session>(`${AUTH}/login`, credentials, headers);
    const cookies = cookiesOf(session.headers);
    const device = `__Host-device_${session.body.user.id}`;
    expect([...cookies.keys()].sort()).toEqual(["__Host-access_token", device, "__Host-refresh_token"]);
    for (const { attributes } of cookies.values()) {
      expect(attributes.has("secure")).toBe(true);
      expect(attributes.get("path")).toBe("/");
      expect(attributes.has("domain")).toBe(false);
    }
    const me = (cookie: string) => secure.client.get(`${AUTH}/me`, { ...headers, cookie });
    expect((await me(`__Host-access_token=${session.body.access}`)).status).toBe(200);
    // Another host of the domain could have set it.
    expect((await me(`access_token=${session.body.access}`)).status).toBe(401);
    const cookie = `__Host-refresh_token=${session.body.refresh}`;
    const own = { ...headers, cookie, "sec-fetch-site": "same-origin" };
    expect((await secure.client.post(`${AUTH}/refresh`, {}, own)).status).toBe(200);
    const ofPage = await secure.client.post(`${AUTH}/browser/refresh`, undefined, own);
    expect(ofPage.status).toBe(200);
    expect([...cookiesOf(ofPage.headers).keys()]).toEqual(["__Host-access_token", "__Host-refresh_token"]);
  });

  test("X-Forwarded-Proto of an untrusted client does not make cookies Secure", async () => {
    const credentials = { username: "browser", password: PASSWORD };
    const proto = { "x-forwarded-proto": "https" };
    const { headers } = await rowmill.client.post(`${AUTH}/login`, credentials, proto);
    expect(cookiesOf(headers).get("access_token")?.attributes.has("secure")).toBe(false);
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
