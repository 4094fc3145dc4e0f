/** Serves the built console: one page for all of its paths, and the files that the page loads. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { html } from "../html.ts";
import { sendPage } from "./pages.ts";

/** The first parts of the paths that the console shows. It routes the rest of each path itself. */
export const CONSOLE_PAGES = [
  ...["sign-in", "sign-up", "forgot-password", "account", "inbox"],
  ...["import", "batches", "library", "records", "files", "tasks", "workflows", "schedules", "webhooks"],
  "admin",
];

export const ASSETS_ROUTE = "/assets/*";

/** The page has this word in place of the nonce of its styles. */
const NONCE = "CSPNONCE";

const policyWith = (nonce: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");

/** A web worker runs under the policy of its own file. */
const ASSET_POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const hidden = { schema: { hide: true } };

/** @param folder of the built console; it may be absent, or appear and change later */
export async function registerConsole(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyStatic, {
      root: join(folder, "assets"),
      prefix: "/assets/",
      index: false,
      // The build puts a compressed file beside each file that is worth it. Names contain a hash of the content.
      preCompressed: true,
      immutable: true,
      maxAge: "365d",
      suppressWarning: true,
      setHeaders: (reply) => void reply.header("content-security-policy", ASSET_POLICY),
    });
    scope.get("/icon.svg", hidden, (_request, reply) =>
      reply.sendFile("icon.svg", folder, { immutable: false, maxAge: "1d" }),
    );
    const show = (_request: FastifyRequest, reply: FastifyReply) => sendConsole(reply, folder);
    scope.get("/", hidden, show);
    for (const page of CONSOLE_PAGES) {
      scope.get(`/${page}`, hidden, show);
      scope.get(`/${page}/*`, hidden, show);
    }
  });
}

/** Sends the page of the console, which also has a page for unknown paths. */
export async function sendConsole(reply: FastifyReply, folder: string, status = 200): Promise<FastifyReply> {
  const page = await readFile(join(folder, "index.html"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return null;
  });
  if (page === null) {
    const content = html`<p>Run <code>npm run build</code>. The API works without it: see <a href="/docs">/docs</a>.</p>`;
    return sendPage(reply, 404, { title: "The console is not built", content });
  }
  const nonce = randomBytes(16).toString("base64");
  return reply
    .code(status)
    .type("text/html; charset=utf-8")
    .header("content-security-policy", policyWith(nonce))
    .send(page.replaceAll(NONCE, nonce));
}

/** Whether a person opens a path that is not one of the API's. */
export function isForPage({ method, url, headers }: FastifyRequest): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && !/^\/api([/?]|$)/.test(url) && headers.accept?.includes("text/html") === true;
}
