import { describe, expect, test } from "vitest";
import { createApp } from "../../src/app.ts";
import { batchChanged } from "../../src/batches/batch-changes.ts";
import { newBatchId } from "../../src/batches/ids.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { inTransaction } from "../../src/context.ts";
import { ChangeListener } from "../../src/platform/postgres/change-listener.ts";
import type { Client, Problem } from "../support/client.ts";
import { EventClient } from "../support/events.ts";
import { atEnd, startRowmill } from "../support/rowmill.ts";
import { Stopwatch, timed } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

const path = (id: string) => `/api/v1/batches/${id}/events`;

async function uploaded(user: Client, rows = 3): Promise<string> {
  const file = `title,author\n${"Emma,Austen\n".repeat(rows)}`;
  const { status, body } = await user.upload(file, "/api/v1/batches?mode=append&force=true");
  expect(status).toBe(202);
  return body.id;
}

async function follow(user: Client, id: string, lastEventId?: string): Promise<EventClient<BatchView>> {
  const client = await EventClient.open<BatchView>(user.url + path(id), {
    authorization: `Bearer ${user.token}`,
    ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
  });
  atEnd(async () => client.leave());
  return client;
}

/** Changes the batch as its owner's reason, which every view shows. */
async function change(id: string, reason: string, { isTold = true } = {}): Promise<void> {
  await rowmill.ctx.pool.query("UPDATE rowmill.batches SET reason = $2 WHERE id = $1", [id, reason]);
  if (isTold) await tell(id);
}

function tell(id: string): Promise<void> {
  return inTransaction(rowmill.ctx, (tx) => batchChanged(tx, id));
}

const withReason = (reason: string) => (event: { data: BatchView }) => event.data.reason === reason;

async function listeners(): Promise<number[]> {
  const { rows } = await rowmill.ctx.pool.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowmill-listen'",
  );
  return rows.map(({ pid }) => pid);
}

/** Counts the connections that the API takes from its pool, one a query. */
function countQueries(): () => number {
  let count = 0;
  const onAcquire = () => {
    count++;
  };
  rowmill.ctx.pool.on("acquire", onAcquire);
  atEnd(async () => rowmill.ctx.pool.off("acquire", onAcquire));
  return () => count;
}

describe("the events of a batch", () => {
  test("the event stream of a batch covers its whole life and ends with it", async () => {
    await using own = await startRowmill();
    const user = await own.newUser();
    const id = await uploaded(user, 2000);
    const client = await follow(user, id);
    const first = await client.saw("at first", () => true);
    expect(first).toMatchObject({ event: "batch", data: { id, state: "queued", counts: { pending: 2000 } } });
    const { header: _, mapping: __, ...listed } = (await user.batch(id)).body;
    expect(first.data).toEqual(listed);
    await own.startWorker();
    await client.ended();
    expect(client.isCutOff).toBe(false);

    const [last, end] = client.events.slice(-2);
    expect(client.events.filter(({ event }) => event === "end")).toEqual([end]);
    expect(last).toMatchObject({ event: "batch", data: { state: "completed", counts: { success: 2000 } } });
    expect((await user.batch(id)).body).toEqual({
      ...end?.data,
      header: expect.anything(),
      mapping: expect.anything(),
    });
    expect(last?.data).toEqual(end?.data);
    const states = client.events.map(({ data }) => data.state);
    expect(states.indexOf("completed")).toBe(states.length - 2);
    const ids = client.events.map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("a change is sent within moments", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const client = await follow(user, id);
    await client.saw("at first", () => true);
    await until("somebody listens", async () => (await listeners()).length === 1);
    // Past the polling that goes on until somebody does.
    await change(id, "warm");
    await client.saw("of the first change", withReason("warm"));
    const times: number[] = [];
    for (const reason of ["one", "two", "three", "four", "five"]) {
      const changedAt = performance.now();
      await change(id, reason);
      const { at } = await client.saw(`of ${reason}`, withReason(reason));
      times.push(at - changedAt);
    }
    expect(times.toSorted((a, b) => a - b)[2]).toBeLessThan(800);
  });

  test("at most four events per second are sent, and the last one has the last change", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const [client, late] = [await follow(user, id), await follow(user, id)];
    await client.saw("at first", () => true);
    using watch = new Stopwatch();
    let n = 0;
    while (watch.ms < 1500 || n <= 50 || Math.min(client.events.length, late.events.length) < 5)
      await change(id, `change ${++n}`);
    for (const watcher of [client, late]) {
      await watcher.saw("of the last change", withReason(`change ${n}`));
      const times = watcher.events.map(({ at }) => at);
      const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
      // The first event, and four for each second, also for the last one.
      expect(times.length).toBeLessThanOrEqual(1 + 4 * seconds + 1);
    }
  });

  test("reconnecting with the last event id repeats nothing", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const client = await follow(user, id);
    const first = await client.saw("at first", () => true);
    client.leave();
    const again = await follow(user, id, first.id);
    await until("it is connected", async () => again.text !== "");
    await tell(id);
    await change(id, "news");
    await again.saw("of the change", () => true);
    expect(again.events[0]?.data.reason).toBe("news");
    const stale = await follow(user, id, first.id);
    expect((await stale.saw("that was missed", () => true)).data.reason).toBe("news");
  });

  test("the stream of an ended batch has its end, and answers 204 on reconnect", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.batches SET state = 'cancelled', finished_at = now() WHERE id = $1",
      [id],
    );
    const client = await follow(user, id);
    await client.ended();
    expect(client.events.map(({ event }) => event)).toEqual(["batch", "end"]);
    const [batch, end] = client.events;

    const cutOffBefore = await follow(user, id, batch?.id);
    await cutOffBefore.ended();
    expect(cutOffBefore.events.map(({ event }) => event)).toEqual(["end"]);

    const heard = await user.get(path(id), { "last-event-id": end?.id ?? "" });
    expect(heard.status).toBe(204);
  });

  test("the stream ends when the batch is deleted", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const client = await follow(user, id);
    await client.saw("at first", () => true);
    await rowmill.ctx.pool.query("DELETE FROM rowmill.batches WHERE id = $1", [id]);
    await tell(id);
    await client.ended();
    expect(client.events).toHaveLength(1);
  });

  test("only its owner can follow a batch", async () => {
    const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
    const id = await uploaded(user);
    const foreign = await other.get<Problem>(path(id));
    expect(foreign.status).toBe(404);
    expect(foreign.body).toEqual((await other.get<Problem>(path(newBatchId(new Date())))).body);
    expect((await rowmill.client.get(path(id))).status).toBe(401);
  });

  test("a page of this site can follow a batch by cookie", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const client = await EventClient.open<BatchView>(user.url + path(id), {
      cookie: `access_token=${user.token}`,
    });
    atEnd(async () => client.leave());
    expect((await client.saw("at first", () => true)).data.id).toBe(id);
  });
});

describe("many watchers", () => {
  test("many watchers share one listener and one read per change", async () => {
    const user = await rowmill.newUser();
    const [one, two] = [await uploaded(user), await uploaded(user)];
    const watchers = await Promise.all(Array.from({ length: 32 }, (_, n) => follow(user, n % 2 ? one : two)));
    for (const watcher of watchers) await watcher.saw("at first", () => true);
    await until("somebody listens", async () => (await listeners()).length > 0);
    expect(await listeners()).toHaveLength(1);

    const queries = countQueries();
    const ours = watchers.filter((_, n) => n % 2);
    // Another part of the API may use the pool meanwhile, then the next round counts.
    await until("one read serves sixteen watchers", async () => {
      const from = queries();
      const reason = `news ${from}`;
      await change(one, reason);
      for (const watcher of ours) await watcher.saw("of the change", withReason(reason));
      // The change, its notification, and one read.
      return queries() - from === 3;
    });

    for (const watcher of watchers) watcher.leave();
    const left = await follow(user, await uploaded(user));
    await left.saw("at first", () => true);
    await until("nobody reads of the others any more", async () => {
      const from = queries();
      const reason = `left ${from}`;
      await change(one, reason);
      await change(two, reason);
      await change(left.events[0]?.data.id ?? "", reason);
      await left.saw("of its own change", withReason(reason));
      // Three changes, three notifications, one read.
      return queries() - from === 7;
    });
  });
});

describe("where the connection that listens is lost", () => {
  test("watchers continue on a new listener after the connection is lost", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const client = await follow(user, id);
    await client.saw("at first", () => true);
    for (const round of ["first", "second"]) {
      const [pid = 0] = await until("somebody listens", async () => {
        const found = await listeners();
        return found.length === 1 ? found : null;
      });
      await rowmill.ctx.pool.query("SELECT pg_terminate_backend($1::int)", [pid]);
      await change(id, `${round} while nobody listens`);
      await client.saw(
        "of a change that was published while nobody listened",
        withReason(`${round} while nobody listens`),
      );
      await until("another one listens", async () => {
        const found = await listeners();
        return found.length === 1 && found[0] !== pid;
      });
      await change(id, `${round} after`);
      await client.saw("of a change after", withReason(`${round} after`));
    }
  });

  test("without a listener the batch is polled once per second", async () => {
    const { ctx } = rowmill;
    const listener = new ChangeListener(ctx.config, false, ctx.log);
    atEnd(() => listener.close());
    const app = await createApp({ ...ctx, listener });
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    atEnd(() => app.close());
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const before = (await listeners()).length;
    const client = await EventClient.open<BatchView>(url + path(id), {
      authorization: `Bearer ${user.token}`,
    });
    atEnd(async () => client.leave());
    await client.saw("at first", () => true);
    for (const reason of ["one", "two"]) {
      await change(id, reason, { isTold: false });
      await client.saw(`of ${reason}`, withReason(reason));
    }
    expect((await listeners()).length).toBe(before);
  });
});

test("an open stream ends cleanly when the program stops", async () => {
  await using own = await startRowmill();
  const user = await own.newUser();
  const clients = [await follow(user, await uploaded(user)), await follow(user, await uploaded(user))];
  for (const client of clients) await client.saw("at first", () => true);
  const { ms } = await timed(() => own.app.close());
  expect(ms).toBeLessThan(5000);
  for (const client of clients) {
    await client.ended();
    expect(client.isCutOff).toBe(false);
    expect(client.events.map(({ event }) => event)).toEqual(["batch"]);
  }
});

describe("the version of a batch", () => {
  test("the ETag of a batch saves polling clients unchanged answers", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user);
    const first = await user.batch(id);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
    for (const known of [etag, etag.slice(2), `"other", ${etag}`, "*"]) {
      const { status, body, headers } = await user.get(`/api/v1/batches/${id}`, { "if-none-match": known });
      expect({ known, status, body, etag: headers.get("etag") }).toEqual({
        known,
        status: 304,
        body: "",
        etag,
      });
    }
    expect((await user.get(`/api/v1/batches/${id}`, { "if-none-match": '"other"' })).status).toBe(200);
    await change(id, "news");
    const changed = await user.get<BatchView>(`/api/v1/batches/${id}`, { "if-none-match": etag });
    expect(changed.status).toBe(200);
    expect(changed.body.reason).toBe("news");
    expect(changed.headers.get("etag")).not.toBe(etag);
  });

  test("the ETag of a batch depends on its counts and not on time", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, 60);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.batches SET state = 'processing', started_at = now(), busy_ms = 1000 WHERE id = $1",
      [id],
    );
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.chunks SET state = 'processing', succeeded = 1, created = 1 WHERE batch_id = $1 AND first_row = 2",
      [id],
    );
    const { body, headers } = await user.batch(id);
    await rowmill.ctx.pool.query("UPDATE rowmill.batches SET busy_ms = 2000 WHERE id = $1", [id]);
    const rateLater = await user.batch(id);
    expect([body.rows_per_second, rateLater.body.rows_per_second]).toEqual([1, 0.5]);
    expect(rateLater.headers.get("etag")).toBe(headers.get("etag"));
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.chunks SET succeeded = 2, created = 2 WHERE batch_id = $1 AND first_row = 2",
      [id],
    );
    expect((await user.batch(id)).headers.get("etag")).not.toBe(headers.get("etag"));
  });
});
