/** The client on a page of the same site. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { hasBrowser, openPage } from "../support/browser.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });

/** Runs in the browser. */
const SCRIPT = `
import { createClient } from "/client/index.ts";

const client = createClient({ baseUrl: location.origin });
const fileOf = (name, rows) => new File(["note\\n" + ("x".repeat(1000) + "\\n").repeat(rows)], name);

async function run() {
  const { user } = await client.post("/api/v1/auth/login", { body: { username: "ada", password: "correct horse" } });
  const progress = [];
  const uploaded = await client.uploadBatch(fileOf("bücher.csv", 2000), { target: "records", onProgress: (now) => progress.push(now) });
  const states = [];
  const batch = await client.waitForBatch(uploaded.id, { onChange: ({ state }) => states.push(state) });
  const refused = await client.uploadBatch(fileOf("cups.csv", 1), { target: "cups", onProgress: () => {} }).catch((error) => error);

  const stopper = new AbortController();
  const endless = createClient({ baseUrl: location.origin + "/unread" });
  const aborted = await endless.uploadBatch(fileOf("aborted.csv", 20_000), {
    signal: stopper.signal,
    onProgress: () => stopper.abort(new Error("enough")),
  }).catch((error) => error.message);
  const late = await client.uploadBatch(fileOf("late.csv", 1), { signal: stopper.signal, onProgress: () => {} }).catch((error) => error.message);
  return {
    username: user.username, filename: batch.filename, state: batch.state, success: batch.counts.success,
    lastState: states.at(-1), last: progress.at(-1), refused: [refused.status, refused.code], aborted, late,
  };
}

const outcome = await run().catch((error) => ({ error: String(error.stack) }));
await fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });
`;

test.skipIf(!hasBrowser)(
  "a page logs in, uploads a file with progress, follows the batch, and aborts an upload",
  async () => {
    await rowmill.client.signUp("ada");
    const { promise: outcome, resolve: report } = Promise.withResolvers<unknown>();
    const { promise: unread, resolve: leaveUnread } = Promise.withResolvers<IncomingMessage>();
    await using site = await serve(async (incoming, answer) => {
      const { url = "" } = incoming;
      if (url === "/") send(answer, "text/html", '<script type="module" src="/script.js"></script>');
      else if (url === "/script.js") send(answer, "text/javascript", SCRIPT);
      else if (url.startsWith("/client/")) send(answer, "text/javascript", clientSource(url));
      else if (url.startsWith("/unread/")) leaveUnread(incoming);
      else if (url === "/outcome") report(JSON.parse(await text(incoming)));
      else forward(incoming, answer);
    });
    await using _page = await openPage(site.url);
    expect(await outcome).toEqual({
      username: "ada",
      filename: "bücher.csv",
      state: "completed",
      success: 2000,
      lastState: "completed",
      last: { sent: expect.any(Number), total: expect.any(Number) },
      refused: [400, "invalid_input"],
      aborted: "enough",
      late: "enough",
    });
    const upload = await unread;
    await new Promise((done) => upload.once("close", done).resume());
    expect(upload.complete).toBe(false);
  },
);

function clientSource(url: string): string {
  return stripTypeScriptTypes(readFileSync(new URL(`../../src${url}`, import.meta.url), "utf8"));
}

function send(answer: ServerResponse, type: string, body: string): void {
  answer.setHeader("content-type", `${type}; charset=utf-8`).end(body);
}

function forward(incoming: IncomingMessage, answer: ServerResponse): void {
  const { url, method, headers } = incoming;
  const onward = request(new URL(url ?? "", rowmill.url), { method, headers }, (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
  });
  incoming.pipe(onward);
}

async function serve(
  handle: (incoming: IncomingMessage, answer: ServerResponse) => Promise<void>,
): Promise<{ url: string } & AsyncDisposable> {
  const server: Server = createServer((incoming, answer) => void handle(incoming, answer));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
