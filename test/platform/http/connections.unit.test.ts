import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import Fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepWaitingConnections } from "../../../src/platform/http/connections.ts";
import { until } from "../../support/until.ts";

const IDLE_MS = 200;

let app: FastifyInstance;
beforeAll(async () => {
  app = Fastify({ connectionTimeout: IDLE_MS, keepAliveTimeout: IDLE_MS, forceCloseConnections: true });
  keepWaitingConnections(app);
  app.get("/late", async () => {
    await sleep(5 * IDLE_MS);
    return "late";
  });
  app.get("/pauses", (_request, reply) => reply.send(Readable.from(slowly(["first ", "last"]))));
  app.get("/endless", (_request, reply) =>
    reply.send(Readable.from(slowly(Array(100).fill("x".repeat(2 ** 20)), 0))),
  );
  await app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => app.close());

const connections = () =>
  new Promise<number>((resolve) => {
    app.server.getConnections((_error, count) => resolve(count));
  });

async function* slowly(parts: readonly string[], ms = 5 * IDLE_MS) {
  for (const part of parts) {
    await sleep(ms);
    yield part;
  }
}

async function ask(path: string): Promise<Socket> {
  const socket = connect(Number(new URL(app.listeningOrigin).port), "127.0.0.1");
  await once(socket, "connect");
  if (path) socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  return socket;
}

test("a connection that waits for its answer is closed only after it", async () => {
  const all = await text(await ask("/late"));
  expect(all).toMatch(/^HTTP\/1\.1 200 /);
  expect(all.endsWith("late")).toBe(true);
});

test("a connection without a request is closed", async () => {
  expect(await text(await ask(""))).toBe("");
});

test("an answer with pauses arrives completely", async () => {
  expect(await text(await ask("/pauses"))).toContain("last");
});

test("a connection whose client does not read is closed", async () => {
  const socket = await ask("/endless");
  socket.pause();
  await until("the server has closed it", async () => (await connections()) === 0);
  socket.destroy();
});
