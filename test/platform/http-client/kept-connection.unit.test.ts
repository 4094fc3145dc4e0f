/** Several requests over one connection, to receivers on this machine. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { parseNetworks } from "../../../src/config/networks.ts";
import type { EgressRules } from "../../../src/platform/http-client/destination.ts";
import { KeptConnection } from "../../../src/platform/http-client/kept-connection.ts";
import { describeTrouble } from "../../../src/platform/http-client/send-request.ts";

const STRICT: EgressRules = { allowHttp: true, allowedNetworks: [], ownPorts: [], proxyUrl: "" };
const LOOPBACK: EgressRules = { ...STRICT, allowedNetworks: parseNetworks("127.0.0.0/8,::1/128") };
const LIMITS = { timeoutMs: 3000, keepBytes: 10 };

async function listen(answer: RequestListener) {
  const counts = { requests: 0, connections: 0, open: 0 };
  const server = createServer((request, response) => {
    counts.requests++;
    request.resume().once("end", () => answer(request, response));
  });
  server.on("connection", (socket) => {
    counts.connections++;
    counts.open++;
    socket.once("close", () => counts.open--);
  });
  await once(server.listen(0, "::"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ...{ port, counts, url: `http://127.0.0.1:${port}/` },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const post = (connection: KeptConnection, url: string, limits = LIMITS) => {
  const request = { method: "POST", url, headers: {}, body: Buffer.from("hello") } as const;
  return connection.send(request, limits, new AbortController().signal);
};

const trouble = (sent: Promise<unknown>) =>
  sent.then(
    () => "no trouble",
    (error: unknown) => describeTrouble(error, LIMITS.timeoutMs),
  );

test("requests to one origin share a connection, which ends with its owner", async () => {
  await using receiver = await listen((_, response) => response.end("thank you very much"));
  {
    await using connection = new KeptConnection(LOOPBACK);
    for (let request = 0; request < 5; request++)
      expect((await post(connection, receiver.url)).body.toString()).toBe("thank you ");
    expect(receiver.counts).toEqual({ requests: 5, connections: 1, open: 1 });
  }
  await expect.poll(() => receiver.counts.open).toBe(0);
});

test("another host gets a connection of its own, whose address is checked as well", async () => {
  await using receiver = await listen((_, response) => response.end());
  await using connection = new KeptConnection({ ...STRICT, allowedNetworks: parseNetworks("127.0.0.0/8") });
  expect((await post(connection, receiver.url)).status).toBe(200);
  expect((await post(connection, `http://127.0.0.2:${receiver.port}/`)).status).toBe(200);
  expect(receiver.counts.connections).toBe(2);
  // The name also has the address ::1, which is not allowed.
  for (const host of ["localhost", "[::1]", "0.0.0.0"])
    expect(await trouble(post(connection, `http://${host}:${receiver.port}/`)), host).toContain(
      "not on the public internet",
    );
  expect(receiver.counts).toMatchObject({ requests: 2, connections: 2 });
});

/** A proxy that connects to this port, whatever host it is asked for. */
async function openProxy(port: number) {
  const proxy = createServer().on("connect", (_, client) => {
    const upstream = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) socket.on("error", () => {});
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      proxy.close();
      await once(proxy, "close");
    },
  };
}

test.each(["directly", "through a proxy"])(
  "a request that meets the end of a connection is sent again over a new one, once (%s)",
  async (way) => {
    const seen: number[] = [];
    await using receiver = await listen(({ socket }, response) => {
      const isFirst = !seen.includes(socket.remotePort ?? 0);
      seen.push(socket.remotePort ?? 0);
      if (isFirst) response.end();
      else socket.destroy();
    });
    await using proxy = await openProxy(receiver.port);
    const isDirect = way === "directly";
    await using connection = new KeptConnection(isDirect ? LOOPBACK : { ...STRICT, proxyUrl: proxy.url });
    const url = isDirect ? receiver.url : "http://receiver.example.com/";
    for (let request = 0; request < 3; request++) expect((await post(connection, url)).status).toBe(200);
    // The second and the third request were seen twice: first on the connection of the request before.
    expect(receiver.counts).toMatchObject({ requests: 5, connections: 3 });
  },
);

test("a request that ends a new connection is not sent again", async () => {
  await using receiver = await listen(({ socket }) => socket.destroy());
  await using connection = new KeptConnection(LOOPBACK);
  for (let request = 0; request < 2; request++)
    expect(await trouble(post(connection, receiver.url))).toBe(
      "The connection was closed before an answer came.",
    );
  expect(receiver.counts.requests).toBe(2);
});

test("a connection that has rested for a second is opened again, with its address checked", async () => {
  await using receiver = await listen((_, response) => response.end());
  await using connection = new KeptConnection(LOOPBACK);
  await post(connection, receiver.url);
  await expect.poll(() => receiver.counts.open).toBe(0);
  await post(connection, receiver.url);
  expect(receiver.counts.connections).toBe(2);
});

test("an answer that is too long, or does not end in time, is not continued by the next one", async () => {
  const answers = ["x".repeat(100_000), null, "short"];
  await using receiver = await listen((_, response) => {
    const answer = answers.shift();
    if (answer === null) response.write("part");
    else response.end(answer);
  });
  await using connection = new KeptConnection(LOOPBACK);
  const texts: string[] = [];
  for (let request = 0; request < 3; request++)
    texts.push((await post(connection, receiver.url, { ...LIMITS, timeoutMs: 500 })).body.toString());
  expect(texts).toEqual(["xxxxxxxxxx", "part", "short"]);
  await sleep(10);
  expect(receiver.counts.requests).toBe(3);
});
