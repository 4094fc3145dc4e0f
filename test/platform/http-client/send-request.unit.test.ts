/** Requests over real connections, all of them on this machine. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, type LookupFunction } from "node:net";
import { expect, test } from "vitest";
import { parseNetworks } from "../../../src/config/networks.ts";
import type { EgressRules } from "../../../src/platform/http-client/destination.ts";
import { guardedLookup } from "../../../src/platform/http-client/guarded-agent.ts";
import type { HostAddress } from "../../../src/platform/http-client/resolve-host.ts";
import { describeTrouble, sendRequest } from "../../../src/platform/http-client/send-request.ts";
import { timed } from "../../support/stopwatch.ts";

const STRICT: EgressRules = { allowHttp: true, allowedNetworks: [], ownPorts: [], proxyUrl: "" };
const LOOPBACK: EgressRules = { ...STRICT, allowedNetworks: parseNetworks("127.0.0.0/8,::1/128") };
const LIMITS = { timeoutMs: 3000, keepBytes: 10 };

async function listen(answer: RequestListener, host = "127.0.0.1") {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    answer(request, response);
  });
  await once(server.listen(0, host), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    server,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const post = (url: string, rules: EgressRules, limits = LIMITS, signal?: AbortSignal) => {
  const request = { method: "POST", url, headers: { "x-a": "b" }, body: Buffer.from("hello") } as const;
  return sendRequest(rules, request, limits, signal);
};

const trouble = (sent: Promise<unknown>, timeoutMs = LIMITS.timeoutMs) =>
  sent.then(
    () => "no trouble",
    (error: unknown) => describeTrouble(error, timeoutMs),
  );

test("without an allowed network, no form of a loopback address is reached", async () => {
  await using receiver = await listen((_, response) => response.end(), "::");
  const hosts = [
    ...["localhost", "a.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0.0.0.0"],
    ...["[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
  ];
  for (const host of hosts)
    expect(await trouble(post(`http://${host}:${receiver.port}/`, STRICT)), host).toContain(
      "not on the public internet",
    );
  expect(receiver.requests()).toBe(0);
  for (const host of ["localhost", "127.1", "[::1]"])
    expect((await post(`http://${host}:${receiver.port}/`, LOOPBACK)).status, host).toBe(200);
});

test("a name is refused if one of its addresses is not public, and the socket gets the checked addresses", async () => {
  const open: HostAddress = { address: "1.1.1.1", family: 4 };
  const answers: readonly HostAddress[][] = [[open], [open, { address: "127.0.0.1", family: 4 }], []];
  const look = (addresses: readonly HostAddress[], all: boolean) =>
    new Promise((resolve) => {
      const lookup: LookupFunction = guardedLookup([], async () => addresses);
      lookup("rebound.example.com", { all }, (error, found) => resolve(error?.message ?? found));
    });
  expect(await Promise.all(answers.map((answer) => look(answer, true)))).toEqual([
    [open],
    expect.stringContaining("not on the public internet"),
    expect.stringContaining("not on the public internet"),
  ]);
  expect(await look([open], false)).toBe("1.1.1.1");
});

test("a redirect is an answer and is not followed", async () => {
  await using target = await listen((_, response) => response.end());
  await using receiver = await listen((_, response) =>
    response.writeHead(307, { location: target.url }).end(),
  );
  const answer = await post(receiver.url, LOOPBACK);
  expect([answer.status, answer.headers.location, target.requests()]).toEqual([307, target.url, 0]);
});

test("only the beginning of an answer is kept, however long it is", async () => {
  let written = 0;
  await using receiver = await listen((_, response) => {
    const more = () => {
      while (written < 64 * 2 ** 20 && response.write("x".repeat(65_536))) written += 65_536;
    };
    response.on("drain", more);
    more();
  });
  const answer = await post(receiver.url, LOOPBACK);
  expect([answer.status, answer.body.toString()]).toEqual([200, "xxxxxxxxxx"]);
  expect(written).toBeLessThan(8 * 2 ** 20);
});

test("a receiver that hangs is left at the deadline, also if it keeps sending headers or a body", async () => {
  const limits = { timeoutMs: 300, keepBytes: 10 };
  await using silent = await listen(() => {});
  expect(await trouble(post(silent.url, LOOPBACK, limits), 300)).toBe("No answer within 0.3 s.");

  await using headers = await listen(({ socket }) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    const drip = setInterval(() => socket.write("x-more: 1\r\n"), 50);
    socket.on("error", () => {}).on("close", () => clearInterval(drip));
  });
  expect(await trouble(post(headers.url, LOOPBACK, limits), 300)).toBe("No answer within 0.3 s.");

  await using body = await listen((_, response) => {
    response.write("yy");
    const drip = setInterval(() => response.write("y"), 50);
    response.on("error", () => {}).on("close", () => clearInterval(drip));
  });
  const { result: answer, ms } = await timed(() => post(body.url, LOOPBACK, limits));
  expect([answer.status, answer.body.toString().slice(0, 2)]).toEqual([200, "yy"]);
  expect(ms).toBeLessThan(2500);
});

test("troubles of the network have a sentence", async () => {
  const closed = await listen(() => {});
  await closed[Symbol.asyncDispose]();
  expect(await trouble(post(closed.url, LOOPBACK))).toBe("The connection was refused.");
  await using rude = await listen(({ socket }) => socket.destroy());
  expect(await trouble(post(rude.url, LOOPBACK))).toBe("The connection was closed before an answer came.");
  await using chatty = await listen((_, response) => {
    response.writeHead(200, { "x-long": "x".repeat(40_000) }).end();
  });
  expect(await trouble(post(chatty.url, LOOPBACK))).toBe("The headers of the answer are too long.");
  const encrypted = chatty.url.replace("http:", "https:");
  expect(await trouble(post(encrypted, LOOPBACK))).toBe("The TLS handshake failed: wrong version number.");
});

test("a caller can stop a request", async () => {
  await using silent = await listen(() => {});
  const stop = new AbortController();
  const sent = post(silent.url, LOOPBACK, LIMITS, stop.signal);
  stop.abort(new Error("stopped"));
  await expect(sent).rejects.toThrow("stopped");
});

test("through a proxy, the proxy opens the connection, and addresses that are not public are still refused", async () => {
  await using receiver = await listen((_, response) => response.end("through"));
  const asked: string[] = [];
  await using proxy = await listen((_, response) => response.writeHead(500).end());
  proxy.server.on("connect", ({ url = "" }, client) => {
    asked.push(url);
    const upstream = connect(receiver.port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) socket.on("error", () => {});
  });
  const rules = { ...STRICT, proxyUrl: proxy.url };
  const answer = await post("http://receiver.example.com/", rules);
  expect([answer.status, answer.body.toString(), asked]).toEqual([
    200,
    "through",
    ["receiver.example.com:80"],
  ]);
  expect(await trouble(post("http://127.0.0.1/", rules))).toContain("not on the public internet");
  expect(asked).toHaveLength(1);
});

test("a proxy that refuses, hangs or is down fails the request", async () => {
  await using proxy = await listen(() => {});
  const rules = { ...STRICT, proxyUrl: proxy.url };
  const send = () => trouble(post("http://receiver.example.com/", rules, { ...LIMITS, timeoutMs: 300 }), 300);
  proxy.server.once("connect", (_, client) =>
    client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
  );
  expect(await send()).toBe("The proxy of Rowmill opened no connection: it answered 407.");
  // Closes its side only when Rowmill has closed the other.
  proxy.server.on("connect", (_, client) => client.resume().on("end", () => client.end()));
  expect(await send()).toBe("No answer within 0.3 s.");
  const closed = await listen(() => {});
  await closed[Symbol.asyncDispose]();
  expect(await trouble(post("http://receiver.example.com/", { ...STRICT, proxyUrl: closed.url }))).toBe(
    "The connection was refused.",
  );
});
