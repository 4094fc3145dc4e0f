import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import Fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepWaitingConnections } from "../../../src/platform/http/connections.ts";

const IDLE_MS = 200;

let app: FastifyInstance;
beforeAll(async () => {
  app = Fastify({ connectionTimeout: IDLE_MS, keepAliveTimeout: IDLE_MS, forceCloseConnections: true });
  keepWaitingConnections(app);
  app.get("/late", async () => {
    await sleep(5 * IDLE_MS);
    return "late";
  });
  app.get("/stalls", (_request, reply) => {
    reply.hijack();
    reply.raw.write("started");
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => app.close());

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

test("a connection whose answer stops in the middle is closed", async () => {
  expect(await text(await ask("/stalls"))).toContain("started");
});
