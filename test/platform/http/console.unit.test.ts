/** The built console as the API serves it: its page at every path of its own, and its files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import Fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { registerConsole } from "../../../src/platform/http/console.ts";
import { handleErrors } from "../../../src/platform/http/errors.ts";
import { registerSecurityHeaders } from "../../../src/platform/http/security-headers.ts";
import { createOfflineApp } from "../../support/offline-app.ts";

const PAGE =
  '<meta property="csp-nonce" nonce="CSPNONCE"><link nonce="CSPNONCE" href="/assets/app-1a2b.css">';
const SCRIPT = "console.log('Rowmill');\n".repeat(100);
const OF_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

const folder = mkdtempSync(join(tmpdir(), "rowmill-console-"));
const built = join(folder, "console");
let app: FastifyInstance;
beforeAll(async () => {
  app = Fastify({ routerOptions: { ignoreTrailingSlash: true } });
  handleErrors(app, built);
  await registerSecurityHeaders(app, loadConfig({ JWT_SECRET: "x".repeat(32) }));
  await registerConsole(app, built);
  app.post("/login", async () => ({}));
  app.get("/api/v1/books", async () => []);
});
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (url: string, headers: Record<string, string> = { accept: OF_BROWSER }) =>
  app.inject({ url, headers });

test("a console that is not built says how to build it, and is served once it is built", async () => {
  const before = await open("/");
  expect(before.statusCode).toBe(404);
  expect(before.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(before.body).toContain("npm run build");
  mkdirSync(join(built, "assets"), { recursive: true });
  writeFileSync(join(built, "index.html"), PAGE);
  writeFileSync(join(built, "icon.svg"), "<svg/>");
  writeFileSync(join(built, "assets/app-1a2b.js"), SCRIPT);
  writeFileSync(join(built, "assets/app-1a2b.js.gz"), gzipSync(SCRIPT));
  writeFileSync(join(built, "assets/app-1a2b.css"), "p{}");
  expect((await open("/")).statusCode).toBe(200);
});

describe("the page", () => {
  test.each(["/", "/sign-in", "/batches", "/batches/019c1f3e?tab=rows", "/tasks/", "/admin/jobs/a.b"])(
    "%s answers the page of the console to every client",
    async (path) => {
      for (const headers of [{ accept: OF_BROWSER }, { accept: "*/*" }]) {
        const { statusCode, headers: answered, body } = await open(path, headers);
        expect([statusCode, answered["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
        expect(body).toContain("/assets/app-1a2b.css");
      }
    },
  );

  test("each answer has a nonce of its own and is not stored", async () => {
    const answers = [await open("/"), await open("/")];
    const nonces = answers.map(({ headers, body }) => {
      const policy = String(headers["content-security-policy"]);
      const nonce = /style-src 'self' 'nonce-([^']+)'/.exec(policy)?.[1] ?? "";
      expect(Buffer.from(nonce, "base64")).toHaveLength(16);
      expect(body).toBe(PAGE.replaceAll("CSPNONCE", nonce));
      expect(policy.replace(nonce, "N")).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-N'; img-src 'self' data: blob:; connect-src 'self'; " +
          "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      );
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      return nonce;
    });
    expect(nonces[0]).not.toBe(nonces[1]);
  });

  test("HEAD is answered, and other methods are refused", async () => {
    expect((await app.inject({ method: "HEAD", url: "/batches" })).statusCode).toBe(200);
    const { statusCode, headers } = await app.inject({ method: "POST", url: "/batches/1" });
    expect([statusCode, headers.allow]).toEqual([405, "GET, HEAD"]);
  });
});

describe("the files", () => {
  test("files are compressed if the client takes it, and stay in caches for a year", async () => {
    const packed = await open("/assets/app-1a2b.js", { "accept-encoding": "gzip, br" });
    expect(packed.headers).toMatchObject({
      "content-encoding": "gzip",
      "content-type": expect.stringMatching(/javascript/),
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
    });
    expect(gunzipSync(packed.rawPayload).toString()).toBe(SCRIPT);
    const plain = await open("/assets/app-1a2b.js", {});
    expect([plain.headers["content-encoding"], plain.body]).toEqual([undefined, SCRIPT]);
    // Too small to be compressed.
    expect((await open("/assets/app-1a2b.css", { "accept-encoding": "gzip" })).body).toBe("p{}");
    expect((await open("/icon.svg")).headers).toMatchObject({
      "content-type": "image/svg+xml",
      "cache-control": "public, max-age=86400",
    });
  });

  test.each(["/assets/app-0000.js", "/assets/", "/assets/%2e%2e/index.html", "/index.html"])(
    "%s is no file, and the answer is not stored",
    async (path) => {
      const { statusCode, headers } = await open(path, { accept: "*/*" });
      expect([403, 404]).toContain(statusCode);
      expect(headers).toMatchObject({
        "content-type": expect.stringMatching(/^application\/problem\+json/),
        "cache-control": "no-store",
      });
    },
  );
});

describe("an unknown path", () => {
  test("a browser gets the page with 404, and a program gets a problem", async () => {
    for (const path of ["/no-such-page", "/assets/no-such-file", "/apis"]) {
      const page = await open(path);
      expect([page.statusCode, page.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
      expect(page.headers["content-security-policy"]).toContain("nonce-");
      expect((await open(path, { accept: "*/*" })).json()).toMatchObject({ code: "not_found" });
    }
  });

  test("below /api and for other methods, a browser gets a problem too", async () => {
    for (const path of ["/api", "/api/", "/api/v2/books", "/api?x"])
      expect((await open(path)).json()).toMatchObject({ code: "not_found" });
    expect((await open("/login")).json()).toMatchObject({ code: "method_not_allowed" });
    const put = await app.inject({ method: "PUT", url: "/no-such-page", headers: { accept: OF_BROWSER } });
    expect(put.json()).toMatchObject({ code: "not_found" });
  });
});

test("the old pages of the book service lead to the console", async () => {
  const whole = await createOfflineApp();
  const places = await Promise.all(
    ["/login", "/login/", "/register.html", "/takebook/", "/mybook", "/editbook", "/editbook/7/"].map(
      async (url) => {
        const { statusCode, headers } = await whole.inject({ url });
        return [statusCode, headers.location];
      },
    ),
  );
  await whole.close();
  expect(places).toEqual(
    [
      ...["/sign-in", "/sign-in", "/sign-up", "/library?add=true", "/library", "/library"],
      "/library?edit=7",
    ].map((place) => [302, place]),
  );
});
