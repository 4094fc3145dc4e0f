import Fastify from "fastify";
import { expect, test } from "vitest";
import { EventStream, formatEvent } from "../../../src/platform/http/sse.ts";
import { EventClient } from "../../support/events.ts";
import { atEnd } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";

async function serve(stream: EventStream): Promise<EventClient<{ n: number }>> {
  const app = Fastify();
  atEnd(() => app.close());
  app.get("/events", (_, reply) => stream.answer(reply));
  const client = await EventClient.open<{ n: number }>(
    `${await app.listen({ host: "127.0.0.1", port: 0 })}/events`,
    {},
  );
  atEnd(async () => client.leave());
  return client;
}

const event = (n: number, padding = "") => formatEvent({ event: "count", id: `v${n}`, data: { n, padding } });

test("an event stream starts with its retry delay and forbids caching", async () => {
  const client = await serve(new EventStream());
  expect(client.response.headers).toMatchObject({
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  await until("the first text", async () => client.text === "retry: 2000\n\n");
});

test("an event has a name, an id and data", async () => {
  const stream = new EventStream();
  const client = await serve(stream);
  stream.send(event(1));
  expect(await client.saw("arrives", () => true)).toMatchObject({ event: "count", id: "v1", data: { n: 1 } });
  stream.end();
  await client.ended();
});

test("a heartbeat keeps an idle event stream open and ends with it", async () => {
  const stream = new EventStream({ heartbeatMs: 50 });
  const client = await serve(stream);
  await until("three heartbeats", async () => client.comments.length >= 3);
  expect(new Set(client.comments)).toEqual(new Set(["heartbeat"]));
  let isClosed = false;
  stream.onClose(() => {
    isClosed = true;
  });
  client.leave();
  await until("the stream is closed", async () => isClosed);
});

test("a slow client gets the newest event, and skipped events take no memory", async () => {
  const stream = new EventStream();
  const client = await serve(stream);
  await until("it is connected", async () => client.text !== "");
  client.response.pause();
  const count = 20_000;
  for (let n = 1; n <= count; n++) {
    stream.send(event(n, "x".repeat(2000)));
    // Lets the network take what it takes.
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  client.response.resume();
  await client.saw("is the last", ({ data }) => data.n === count);
  const numbers = client.events.map(({ data }) => data.n);
  expect(numbers.length).toBeLessThan(count);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  stream.send(event(count + 1));
  stream.end();
  stream.send(event(count + 2));
  await client.ended();
  expect(client.events.at(-1)?.data.n).toBe(count + 1);
});
