import { describe, expect, test } from "vitest";
import { readMissingOfLastDay } from "../../src/request-log/read-missing.ts";
import { writeEntries } from "../../src/request-log/write-entries.ts";
import { count, countWaiting } from "../support/count.ts";
import { EventClient } from "../support/events.ts";
import { entryAt } from "../support/logged-requests.ts";
import { RawConnection } from "../support/raw-connection.ts";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";
import { startSecondApi } from "../support/second-api.ts";
import { makeTask } from "../support/task-client.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

interface Logged {
  readonly at: Date;
  readonly request_id: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number | null;
  readonly user_id: string | null;
  readonly address: string | null;
  readonly request_bytes: string;
  readonly response_bytes: string;
}

/** The entry of the request with this id, once it is written. */
function entryOf(requestId: string, { ctx }: Pick<Rowmill, "ctx"> = rowmill): Promise<Logged> {
  return until("the request is logged", async () => {
    const { rows } = await ctx.pool.query<Logged>("SELECT * FROM rowmill.request_log WHERE request_id = $1", [
      requestId,
    ]);
    return rows[0] ?? null;
  });
}

let requests = 0;
const newId = () => `logged-${++requests}`;

/** Sends a request of the user, and returns its entry. */
async function logged(method: string, path: string, init: RequestInit = {}): Promise<Logged> {
  const id = newId();
  const headers = { authorization: `Bearer ${user.token}`, "x-request-id": id, ...init.headers };
  const response = await fetch(`${rowmill.url}${path}`, { ...init, method, headers });
  await response.arrayBuffer();
  return entryOf(id);
}

describe("an entry", () => {
  test("an entry has the template of the path and the user, and no id, query or token", async () => {
    const id = "01a20159-f320-7af5-a6be-a1fe00000000";
    const entry = await logged("GET", `/api/v1/batches/${id}?secret=hunter2`);
    expect(entry).toMatchObject({
      method: "GET",
      route: "/api/v1/batches/{batch_id}",
      status: 404,
      user_id: String(user.userId),
      address: "127.0.0.1",
    });
    expect(entry.ms).toBeGreaterThan(0);
    expect(Math.abs(entry.at.getTime() - Date.now())).toBeLessThan(30_000);
    expect(JSON.stringify(entry)).not.toMatch(new RegExp(`${id}|hunter2|${user.token}`));
  });

  test("an entry has the bytes of its own request, also on a connection that earlier requests used", async () => {
    const body = JSON.stringify({ title: "Emma", author: "Jane Austen", description: "x".repeat(10_000) });
    const headers = { "content-type": "application/json" };
    const [first, second, third] = [
      await logged("POST", "/api/v1/books", { body, headers }),
      await logged("GET", "/api/v1/books?limit=1"),
      await logged("GET", "/api/v1/auth/me"),
    ];
    for (const bytes of [first.request_bytes, second.response_bytes]) {
      expect(Number(bytes)).toBeGreaterThan(10_000);
      expect(Number(bytes)).toBeLessThan(13_000);
    }
    for (const bytes of [second.request_bytes, third.request_bytes, third.response_bytes])
      expect(Number(bytes)).toBeLessThan(2500);
  });

  test.each([
    ["a path that does not exist", "GET", "/api/v1/nothing/of/this", 404],
    ["a method that the path does not have", "PUT", "/api/v1/books", 405],
    ["a path that cannot be decoded", "GET", "/api/v1/%zz", 400],
  ])("of %s has one route for all of them", async (_, method, path, status) => {
    expect(await logged(method, path)).toMatchObject({ method, route: "(unknown)", status });
  });

  test("the entry of a refused login has no user", async () => {
    const entry = await logged("GET", "/api/v1/books", { headers: { authorization: "Bearer wrong" } });
    expect(entry).toMatchObject({ route: "/api/v1/books", status: 401, user_id: null });
  });

  test("the entry of a client that disconnects before the answer has status 499", async () => {
    await using held = await lockBooks();
    const id = newId();
    using connection = await RawConnection.open(rowmill.url);
    connection.write(
      `GET /api/v1/books HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${user.token}\r\nx-request-id: ${id}\r\n\r\n`,
    );
    await held.untilWaiting(1);
    connection[Symbol.dispose]();
    expect(await entryOf(id)).toMatchObject({ route: "/api/v1/books", status: 499, response_bytes: "0" });
  });

  test("the entry of an event stream has no duration", async () => {
    const task = await makeTask(user);
    const id = newId();
    const headers = { authorization: `Bearer ${user.token}`, "x-request-id": id };
    const events = await EventClient.open(`${rowmill.url}/api/v1/tasks/${task.id}/events`, headers);
    events.leave();
    const entry = await entryOf(id);
    expect(entry).toMatchObject({ route: "/api/v1/tasks/{task_id}/events", status: 200, ms: null });
    expect(Number(entry.response_bytes)).toBeGreaterThan(100);
  });
});

/** Lets every read of books wait. */
async function lockBooks() {
  const client = await rowmill.ctx.pool.connect();
  await client.query("BEGIN; LOCK TABLE rowmill.books IN ACCESS EXCLUSIVE MODE");
  return {
    untilWaiting: (requests: number) =>
      until("requests wait for the lock", async () => {
        return (await countWaiting(rowmill.ctx.pool, "relation = 'rowmill.books'::regclass")) >= requests;
      }),
    [Symbol.asyncDispose]: async () => {
      await client.query("ROLLBACK");
      client.release();
    },
  };
}

test("probes are not logged", async () => {
  const ids = [newId(), newId()];
  for (const path of ["/livez", "/readyz"])
    await fetch(rowmill.url + path, { headers: { "x-request-id": ids.shift() ?? "" } });
  await logged("GET", "/api/v1/auth/me");
  const probes = "SELECT count(*) FROM rowmill.request_log WHERE route IN ('/livez', '/readyz')";
  expect(await count(rowmill.ctx.pool, probes)).toBe(0);
});

describe("two API processes", () => {
  test("both log, each with its own settings, and write the last entries when they end", async () => {
    const settings = { requestLogAddress: "network" } as const;
    const second = await startSecondApi(rowmill, settings);
    const id = newId();
    const [here, there] = await Promise.all([
      logged("GET", "/api/v1/auth/me"),
      second.client.get("/api/v1/books", { "x-request-id": id }),
    ]);
    expect(here).toMatchObject({ status: 200, address: "127.0.0.1" });
    expect(there.status).toBe(401);
    await second[Symbol.asyncDispose]();
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT address, status FROM rowmill.request_log WHERE request_id = $1",
      [id],
    );
    expect(rows).toEqual([{ address: "127.0.0.0/24", status: 401 }]);
  });

  test("an API with REQUEST_LOG=off logs nothing", async () => {
    const id = newId();
    const second = await startSecondApi(rowmill, { requestLog: false });
    await second.client.get("/api/v1/books", { "x-request-id": id });
    await second[Symbol.asyncDispose]();
    const found = "SELECT count(*) FROM rowmill.request_log WHERE request_id = $1";
    expect(await count(rowmill.ctx.pool, found, [id])).toBe(0);
  });
});

test("answers do not wait while the log waits for the database", async () => {
  await using rowmill = await startRowmill();
  const client = await rowmill.ctx.pool.connect();
  await client.query("BEGIN; LOCK TABLE rowmill.request_log IN ACCESS EXCLUSIVE MODE");
  await rowmill.client.get("/api/v1/books", { "x-request-id": "first" });
  await until("the log waits for the table", async () => {
    return (await countWaiting(rowmill.ctx.pool, "relation = 'rowmill.request_log'::regclass")) > 0;
  });
  const answer = await rowmill.client.get("/api/v1/books", { "x-request-id": "second" });
  expect(answer.status).toBe(401);
  await client.query("ROLLBACK");
  client.release();
  expect(await entryOf("first", rowmill)).toMatchObject({ status: 401 });
  expect(await entryOf("second", rowmill)).toMatchObject({ status: 401 });
});

test("requests that the log lacks are counted in the database", async () => {
  const { ctx } = rowmill;
  const before = await readMissingOfLastDay(ctx);
  await writeEntries(ctx, [entryAt(ctx.now(), { requestId: newId() })], 41);
  await writeEntries(ctx, [], 1);
  await writeEntries(ctx, [entryAt(ctx.now(), { requestId: newId() })], 0);
  expect((await readMissingOfLastDay(ctx)) - before).toBe(42);
  expect(await count(ctx.pool, "SELECT count(*) FROM rowmill.request_log_gaps")).toBe(2);
});
