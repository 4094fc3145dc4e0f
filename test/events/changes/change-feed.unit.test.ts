import Fastify from "fastify";
import { expect, test } from "vitest";
import { ChangeFeed } from "../../../src/events/changes/change-feed.ts";
import { sendChanges } from "../../../src/events/changes/send-changes.ts";
import { EventStream } from "../../../src/platform/http/sse.ts";
import { createLog } from "../../../src/platform/log.ts";
import type { ChangeListener } from "../../../src/platform/postgres/change-listener.ts";
import { EventClient } from "../../support/events.ts";
import { atEnd } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";

interface Item {
  readonly id: string;
  readonly n: number;
  readonly padding: string;
}

/** A feed of things in memory. A read returns up to `page` of them. */
function feedOf(things: Map<string, Item>, page = 100) {
  const reads: number[] = [];
  const broken = { reads: 0 };
  const listener = { listen: () => () => {} } as unknown as ChangeListener;
  const feed = new ChangeFeed(
    {
      event: "thing",
      channel: "things",
      read: async (ids) => {
        if (broken.reads-- > 0) throw new Error("The database is gone.");
        reads.push(ids.length);
        const found = ids.flatMap((id) => things.get(id) ?? []);
        const items = found.slice(0, page).map((data) => ({ id: data.id, version: `v${data.n}`, data }));
        return { items, hasMore: found.length > page };
      },
    },
    { listener, log: createLog({ logLevel: "silent" }, "test") },
  );
  atEnd(async () => feed.close());
  const change = (id: string, n: number, padding = "") => {
    things.set(id, { id, n, padding });
    feed.refresh([id]);
  };
  return { feed, reads, broken, change };
}

async function serve(stream: EventStream): Promise<EventClient<Item>> {
  const app = Fastify();
  atEnd(() => app.close());
  app.get("/", (_, reply) => stream.answer(reply));
  const client = await EventClient.open<Item>(await app.listen({ host: "127.0.0.1", port: 0 }), {});
  atEnd(async () => client.leave());
  return client;
}

const thingsOf = (count: number) =>
  new Map(Array.from({ length: count }, (_, n) => [String(n), { id: String(n), n: 0, padding: "" }]));

test("a client that does not read gets only the newest state of each thing later", async () => {
  const things = thingsOf(50);
  const { feed, reads, change } = feedOf(things);
  const padding = "x".repeat(16_000);
  for (const id of things.keys()) change(id, 1, padding);
  const stream = new EventStream();
  sendChanges(stream, feed, new Set(things.keys()));
  for (const n of [2, 3]) {
    const count = reads.length;
    await until("a read", async () => reads.length > count || null);
    expect(stream.isFull).toBe(true);
    for (const id of things.keys()) change(id, n, padding);
  }
  const client = await serve(stream);
  for (const id of things.keys())
    await client.saw(`of the newest ${id}`, ({ data }) => data.id === id && data.n === 3);
  // Those that were sent before the stream was full.
  expect(client.events.filter(({ data }) => data.n < 3).length).toBeLessThan(10);
});

test("long things are read in several pages, and deleted ones are reported once", async () => {
  const things = thingsOf(9);
  things.delete("4");
  const { feed, reads } = feedOf(things, 2);
  const stream = new EventStream();
  sendChanges(stream, feed, new Set(["4", ...things.keys()]));
  const client = await serve(stream);
  await until("all events", async () => client.events.length === 9 || null);
  expect(client.events.filter(({ event }) => event === "deleted").map(({ data }) => data)).toEqual([
    { kind: "thing", id: "4" },
  ]);
  const count = reads.length;
  expect(count).toBeGreaterThan(3);
  feed.refresh(["4"]);
  await until("another read", async () => reads.length > count || null);
  expect(client.events).toHaveLength(9);
});

test("after a failed read, all changes are read again", async () => {
  const things = thingsOf(3);
  const { feed, broken } = feedOf(things);
  broken.reads = 1;
  const stream = new EventStream();
  sendChanges(stream, feed, new Set(things.keys()));
  const client = await serve(stream);
  await until("all events", async () => client.events.length === 3 || null);
});

test("a thing that nobody follows any more is not read", async () => {
  const things = thingsOf(2);
  const { feed, reads, change } = feedOf(things);
  const stop = sendChanges(new EventStream(), feed, new Set(["0"]));
  sendChanges(new EventStream(), feed, new Set(["1"]));
  await until("the first states", async () => reads.length === 1 || null);
  stop();
  change("0", 1);
  change("1", 1);
  await until("a read", async () => reads.length === 2 || null);
  expect(reads).toEqual([2, 1]);
});
