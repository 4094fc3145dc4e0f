/** Batches of an endpoint while their lives change: dry runs, undo, pauses, cancellations, secrets. */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { newAdmin } from "../../support/admin.ts";
import { command, deliverUndo, deliverWhole, refused } from "../../support/batches.ts";
import { csv } from "../../support/book-files.ts";
import { count } from "../../support/count.ts";
import {
  defineEndpoint,
  deliverTurns,
  deliverUndoTurns,
  Endpoint,
  namedRows,
  sendJson,
  uploadFor,
} from "../../support/endpoints.ts";
import { testOnOneServer } from "../../support/one-server.ts";
import { RECEIVER_SETTINGS } from "../../support/receiver.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const endpoint = await Endpoint.start();
afterAll(() => endpoint[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: RECEIVER_SETTINGS });
const admin = useAdmin(rowmill);
const user = useUser(rowmill);

const usual = { result: endpoint.result, instead: endpoint.instead };
beforeEach(() => {
  Object.assign(endpoint, usual);
  endpoint.receiver.requests.length = 0;
  endpoint.created.clear();
  endpoint.receiver.maxOpen = 0;
});

const { url } = endpoint;
const batchOf = async (id: string) => (await user.batch(id)).body;

/** Answers requests when the test says so. */
function holdAnswers(): () => void {
  const held: (() => void)[] = [];
  endpoint.instead = (response, { rows }) => {
    held.push(() => {
      for (const row of rows) endpoint.created.set(row.id, row);
      sendJson(response, 200, { results: rows.map(({ id }) => ({ id, status: "created" })) });
    });
    return true;
  };
  return () => {
    for (const answer of held.splice(0)) answer();
  };
}

describe("a dry run", () => {
  test("a dry run for an endpoint that supports it is sent, chunk by chunk, and committed later", async () => {
    const target = await defineEndpoint(admin, { url, supports_dry_run: true, batch_size: 3 });
    endpoint.result = ({ row }) =>
      row === 4 ? { status: "failed", errors: [{ code: "taken", message: "taken" }] } : { status: "created" };
    const id = await uploadFor(user, target, namedRows(6), { dry_run: "true" });
    for (const firstRow of [2, 5]) await deliverTurns(rowmill, id, firstRow);
    expect(endpoint.bodies.map(({ dry_run }) => dry_run)).toEqual([true, true]);
    expect(endpoint.created.size).toBe(0);
    const checked = await batchOf(id);
    expect(checked).toMatchObject({ state: "validated", counts: { failed: 1, success: 0 } });
    expect(checked.reason).toContain("1 of 6 rows would fail");
    expect(
      await count(
        rowmill.ctx.pool,
        "SELECT count(*) FROM rowmill.row_results WHERE batch_id = $1 AND status = 'success'",
        [id],
      ),
    ).toBe(0);
    endpoint.result = usual.result;
    await command(user, id, "commit");
    for (const firstRow of [2, 5]) await deliverTurns(rowmill, id, firstRow);
    expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 6 } });
    expect(endpoint.created.size).toBe(6);
  });

  test("a dry run that is cancelled leaves no success", async () => {
    const target = await defineEndpoint(admin, { url, supports_dry_run: true, batch_size: 3, undo_url: url });
    const id = await uploadFor(user, target, namedRows(6), { dry_run: "true" });
    await deliverTurns(rowmill, id);
    await command(user, id, "pause");
    await command(user, id, "resume");
    await command(user, id, "cancel");
    expect(await batchOf(id)).toMatchObject({ state: "cancelled", counts: { success: 0, unprocessed: 6 } });
  });

  test("a dry run for another endpoint only checks the rules", async () => {
    const target = await defineEndpoint(admin, { url });
    const id = await uploadFor(
      user,
      target,
      namedRows(3, (row) => (row === 3 ? "" : "x")),
      { dry_run: "true" },
    );
    await deliverWhole(rowmill.ctx, id);
    expect(endpoint.sent).toEqual([]);
    expect(await batchOf(id)).toMatchObject({ state: "validated", counts: { failed: 1 } });
  });
});

describe("a request that is under way when its batch is stopped", () => {
  test.each(["pause", "cancel"])(
    "%s: its results are stored, and no further request is sent",
    async (name) => {
      const target = await defineEndpoint(admin, { url, batch_size: 3 });
      const id = await uploadFor(user, target, namedRows(6));
      const answer = holdAnswers();
      const delivering = deliverTurns(rowmill, id);
      await endpoint.receiver.received(1);
      await command(user, id, name);
      answer();
      await delivering;
      endpoint.instead = usual.instead;
      await deliverTurns(rowmill, id, 5);
      expect(endpoint.sent).toEqual([[2, 3, 4]]);
      const rest = name === "pause" ? { pending: 3 } : { unprocessed: 3 };
      expect(await batchOf(id)).toMatchObject({ counts: { success: 3, ...rest } });
      if (name === "pause") await command(user, id, "resume");
      else await command(user, id, "retry", { unprocessed: true });
      await deliverTurns(rowmill, id, 5);
      expect(endpoint.sent).toEqual([
        [2, 3, 4],
        [5, 6, 7],
      ]);
      expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 6 } });
    },
  );

  test("a resume while it is under way asks to try again", async () => {
    const target = await defineEndpoint(admin, { url });
    const id = await uploadFor(user, target, namedRows(2));
    const answer = holdAnswers();
    const delivering = deliverTurns(rowmill, id);
    await endpoint.receiver.received(1);
    await command(user, id, "pause");
    const resumed = await refused(user, id, "resume");
    expect(resumed.status).toBe(409);
    answer();
    await delivering;
    await command(user, id, "resume");
    expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 2 } });
  });
});

describe("undo", () => {
  const undone = () => endpoint.bodies.filter(({ type }) => type === "undo");

  async function imported(rows: number, destination: object = {}) {
    const target = await defineEndpoint(admin, {
      url,
      undo_url: `${url}/undo`,
      batch_size: 4,
      ...destination,
    });
    const id = await uploadFor(user, target, namedRows(rows));
    const { rows: chunks } = await rowmill.ctx.pool.query(
      "SELECT first_row FROM rowmill.chunks WHERE batch_id = $1 ORDER BY 1",
      [id],
    );
    for (const { first_row } of chunks) await deliverTurns(rowmill, id, first_row);
    expect(await batchOf(id)).toMatchObject({ state: "completed" });
    return { target, id };
  }

  test("asks the endpoint for the rows from the last to the first, with the ids of their records", async () => {
    const { target, id } = await imported(6);
    endpoint.result = (_, { type }) => ({ status: type === "undo" ? "undone" : "created" });
    await command(user, id, "undo");
    await deliverUndoTurns(rowmill, id);
    expect(undone().map(({ rows }) => rows.map(({ row }) => row))).toEqual([
      [7, 6],
      [5, 4, 3, 2],
    ]);
    expect(undone()[0]).toEqual({
      ...{ type: "undo", target, batch_id: id },
      rows: [7, 6].map((row) => ({
        ...{ id: `${id.slice(0, -8)}0000000${row}`, row, record_id: `r${row}`, effect: "created" },
      })),
    });
    expect(endpoint.receiver.requests.at(-1)?.path).toMatch(/undo$/);
    expect(await batchOf(id)).toMatchObject({ state: "undone", counts: { undone: 6 } });
  });

  test("undo keeps rows that the endpoint keeps, and a second undo asks for them again", async () => {
    const { id } = await imported(3);
    endpoint.result = ({ row }) =>
      row === 3
        ? { status: "kept", errors: [{ code: "changed", message: "changed since" }] }
        : { status: "undone" };
    await command(user, id, "undo");
    await deliverUndoTurns(rowmill, id);
    const [kept] = (await user.rows(id)).filter(({ undo }) => undo?.outcome === "kept");
    expect(kept).toMatchObject({ row: 3, undo: { reason: "changed since" } });
    endpoint.result = () => ({ status: "undone" });
    await command(user, id, "undo");
    await deliverUndoTurns(rowmill, id);
    expect(
      undone()
        .at(-1)
        ?.rows.map(({ row }) => row),
    ).toEqual([3]);
    expect(await batchOf(id)).toMatchObject({ state: "undone", counts: { undone: 3 } });
  });

  test("undo ends when the endpoint cannot be reached, and goes on with the next undo", async () => {
    const { id } = await imported(6);
    const hasLast = (rows: readonly { row: number }[]) => rows.some(({ row }) => row === 7);
    endpoint.result = () => ({ status: "undone" });
    endpoint.instead = (response, { rows }) => !hasLast(rows) && sendJson(response, 503, "");
    await command(user, id, "undo");
    await deliverUndoTurns(rowmill, id);
    const batch = await batchOf(id);
    expect(batch).toMatchObject({ state: "undone", counts: { undone: 2, success: 4 } });
    expect(undone().length).toBe(11);
    const ids = endpoint.receiver.requests.slice(-10).map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(1);
    const [failed] = (await user.rows(id)).filter(({ undo }) => undo?.outcome === "failed");
    expect(failed?.undo?.reason).toMatch(/10 attempts.*503/);
    endpoint.instead = usual.instead;
    await command(user, id, "undo");
    await deliverUndoTurns(rowmill, id);
    expect(await batchOf(id)).toMatchObject({ state: "undone", counts: { undone: 6 } });
  });

  test("undo ends at once when the endpoint refuses it, and divides requests that are too large", async () => {
    const { id } = await imported(4);
    endpoint.instead = (response) => sendJson(response, 404, "");
    await command(user, id, "undo");
    await deliverUndoTurns(rowmill, id);
    expect(undone()).toHaveLength(1);
    endpoint.result = () => ({ status: "undone" });
    endpoint.instead = (response, { rows }) => rows.length > 1 && sendJson(response, 413, "");
    await command(user, id, "undo");
    await deliverUndoTurns(rowmill, id);
    expect(await batchOf(id)).toMatchObject({ state: "undone", counts: { undone: 4 } });
  });

  test("a batch of an endpoint without undo_url cannot be undone", async () => {
    const { id } = await imported(1, { undo_url: undefined });
    expect((await refused(user, id, "undo")).status).toBe(409);
  });

  test("a delivery that is repeated before its results were stored sends the same request", async () => {
    const { id } = await imported(2);
    endpoint.result = () => ({ status: "undone" });
    await command(user, id, "undo");
    const aborted = new AbortController();
    endpoint.instead = () => {
      aborted.abort(new Error("killed"));
      return true;
    };
    await expect(deliverUndo(rowmill.ctx, id, {}, aborted.signal)).rejects.toThrow();
    endpoint.instead = usual.instead;
    await deliverUndoTurns(rowmill, id);
    const ids = endpoint.receiver.requests
      .slice(-2)
      .map(({ headers, body }) => [headers["webhook-id"], body]);
    expect(ids[0]).toEqual(ids[1]);
    expect(await batchOf(id)).toMatchObject({ state: "undone", counts: { undone: 2 } });
  });
});

describe("secrets", () => {
  const VALUE = "sk_live_51f8c0a7d2";
  const set = (name: string, more: object = {}) =>
    admin.put(`/api/v1/admin/secrets/${name}`, { value: VALUE, ...more });

  test("secrets are sent, sign requests, and are in no error, result or reason", async () => {
    await set("SHOP_TOKEN");
    await set("SHOP_SIGNING");
    const target = await defineEndpoint(admin, {
      url,
      headers: { Authorization: "Bearer {{secret:SHOP_TOKEN}}" },
      sign_with: "SHOP_SIGNING",
    });
    const base64 = Buffer.from(VALUE).toString("base64");
    const echo = `got Bearer ${VALUE} and ${base64}`;
    endpoint.result = ({ row }) =>
      [
        { status: "created", record_id: VALUE },
        { status: "failed", errors: [{ column: echo, code: echo, message: echo }] },
        { status: echo },
        { status: "retry", errors: [{ code: VALUE, message: echo }] },
      ][row - 2] ?? {};
    const id = await uploadFor(user, target, namedRows(4));
    for (let attempt = 1; attempt <= 10; attempt++) await deliverTurns(rowmill, id);
    const { headers } = endpoint.receiver.requests[0] ?? {};
    expect(headers).toMatchObject({
      authorization: `Bearer ${VALUE}`,
      "webhook-signature": expect.stringMatching(/^v1,/),
      "webhook-timestamp": expect.stringMatching(/^\d+$/),
    });
    endpoint.instead = (response) => sendJson(response, 400, echo);
    const refusedId = await uploadFor(user, target, namedRows(1));
    await deliverTurns(rowmill, refusedId);
    const seen = JSON.stringify([
      ...[await batchOf(id), await user.rows(id), await batchOf(refusedId), await user.rows(refusedId)],
      (await rowmill.ctx.pool.query("SELECT * FROM rowmill.row_results")).rows,
      (await rowmill.ctx.pool.query("SELECT data, output FROM rowmill_queue.job")).rows,
    ]);
    expect(seen).toContain("[redacted]");
    expect(seen).not.toContain(VALUE);
    expect(seen).not.toContain(base64.replace(/=+$/, ""));
  });

  test("a secret that is deleted later pauses the batch", async () => {
    await set("GOES_AWAY");
    const target = await defineEndpoint(admin, { url, headers: { "x-key": "{{secret:GOES_AWAY}}" } });
    const id = await uploadFor(user, target, namedRows(1));
    await rowmill.ctx.pool.query("DELETE FROM rowmill.secrets WHERE name = 'GOES_AWAY'");
    await deliverTurns(rowmill, id);
    const paused = await batchOf(id);
    expect(paused.state).toBe("paused");
    expect(paused.reason).toContain("GOES_AWAY");
    expect(endpoint.sent).toEqual([]);
  });
});

describe("a definition is refused", () => {
  const define = (destination: object, more: object = {}) =>
    admin.post<{ field_errors: Record<string, string[]> }>("/api/v1/targets", {
      name: "refused",
      destination: { type: "http", url, ...destination },
      columns: [{ name: "name", type: "text" }],
      ...more,
    });

  test.each([
    ["destination.url", { url: "http://10.0.0.7/rows" }],
    ["destination.url", { url: "https://example.com/{{secret:NOBODY}}" }],
    ["destination.url", { url: "file:///etc/passwd" }],
    ["destination.undo_url", { undo_url: "http://169.254.169.254/" }],
    ["destination.headers", { headers: { "webhook-id": "x" } }],
    ["destination.headers", { headers: { "Idempotency-Key": "x" } }],
    ["destination.headers", { headers: { host: "x" } }],
    ["destination.headers", { headers: { "x-key": "{{secret:NOT_THERE}}" } }],
    ["destination.sign_with", { sign_with: "NOT_THERE" }],
    ["destination.batch_size", { batch_size: 501 }],
    ["destination.max_in_flight", { max_in_flight: 11 }],
  ])("%s of %j", async (field, destination) => {
    const { status, body } = await define(destination);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual([field]);
  });

  test("a definition with a look-up in a table that is not allowed is refused", async () => {
    const lookup = { schema: "rowmill", table: "users", match: ["username"], value: "id" };
    const { status, body } = await define({}, { columns: [{ name: "country", type: "lookup", lookup }] });
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["columns.0.lookup.table"]);
  });

  test("the network rules are checked for the definition, and again for each request", async () => {
    const target = await defineEndpoint(admin, { url });
    const id = await uploadFor(user, target, namedRows(1));
    const { config } = rowmill.ctx;
    const egress = { ...config.egress, allowedNetworks: [] };
    await deliverTurns({ ctx: { ...rowmill.ctx, config: { ...config, egress } } }, id);
    const paused = await batchOf(id);
    expect(paused).toMatchObject({ state: "paused", counts: { failed: 0 } });
    expect(paused.reason).toContain("not on the public internet");
  });
});

test("values that must be unique in the file are, and rows that failed give theirs up", async () => {
  const columns = [{ name: "code", type: "text" as const, unique: { in_file: true } }];
  const target = await defineEndpoint(admin, { url, batch_size: 2 }, { columns });
  endpoint.result = ({ row }) => ({ status: row === 2 ? "failed" : "created" });
  const id = await uploadFor(user, target, "code\na\nb\na\nb\na\n");
  for (const firstRow of [2, 4, 6]) await deliverTurns(rowmill, id, firstRow);
  const failed = await user.rows(id, "failed");
  expect(failed.map(({ row, error_code }) => [row, error_code])).toEqual([
    [2, "rejected"],
    [5, "not_unique"],
    [6, "not_unique"],
  ]);
  expect(endpoint.sent).toEqual([[2, 3], [4]]);
});

describe("look-ups", () => {
  const settings = { ...RECEIVER_SETTINGS, TARGET_TABLES: "shop.*", TARGET_ROLE: "rowmill_target_endpoints" };

  testOnOneServer(
    "look-ups are resolved before rows are sent, and a cell without a match fails its row",
    async () => {
      await using own = await startRowmill(settings);
      await own.ctx.pool.query(`CREATE SCHEMA shop; CREATE TABLE shop.countries (id int PRIMARY KEY, iso2 text);
      INSERT INTO shop.countries VALUES (49, 'DE'); DROP ROLE IF EXISTS rowmill_target_endpoints;
      CREATE ROLE rowmill_target_endpoints NOLOGIN; GRANT USAGE ON SCHEMA shop TO rowmill_target_endpoints;
      GRANT SELECT ON shop.countries TO rowmill_target_endpoints`);
      const root = await newAdmin(own);
      const lookup = { schema: "shop", table: "countries", match: ["iso2"], value: "id" };
      const columns = [{ name: "country", to: "country_id", type: "lookup" as const, lookup }];
      const target = await defineEndpoint(root, { url }, { columns });
      const id = await uploadFor(root, target, "country\nDE\nXX\n");
      await deliverTurns(own, id);
      expect(endpoint.bodies[0]?.rows.map(({ row, data }) => [row, data])).toEqual([
        [2, { country_id: "49" }],
      ]);
      const [failed] = await root.rows(id, "failed");
      expect(failed).toMatchObject({ row: 3, errors: [{ column: "country" }] });
    },
  );
});

describe("with workers", () => {
  test("two workers send every row once, with at most max_in_flight requests for all batches", async () => {
    const target = await defineEndpoint(admin, { url, batch_size: 25, max_in_flight: 2 });
    endpoint.receiver.maxOpen = 0;
    endpoint.times.clear();
    endpoint.instead = (response: ServerResponse, { rows }) => {
      for (const row of rows) endpoint.created.set(row.id, row);
      const results = rows.map(({ id }) => ({ id, status: "created" }));
      setTimeout(() => sendJson(response, 200, { results }), 30);
      return true;
    };
    const ids = [
      await uploadFor(user, target, namedRows(300)),
      await uploadFor(user, target, namedRows(300)),
    ];
    for (let worker = 0; worker < 2; worker++) await rowmill.startWorker();
    for (const id of ids)
      await until("the batch is completed", async () => (await batchOf(id)).state === "completed");
    expect(endpoint.created.size).toBe(600);
    expect([...endpoint.times.values()].every((times) => times === 1)).toBe(true);
    expect(endpoint.receiver.maxOpen).toBeLessThanOrEqual(2);
  });
});

test("an endpoint that hangs does not hold up the files of other users", async () => {
  await using own = await startRowmill({ ...RECEIVER_SETTINGS, WORKER_CONCURRENCY: "3" });
  const root = await newAdmin(own);
  const [slow, other] = [await own.newUser(), await own.newUser()];
  endpoint.instead = () => true;
  const target = await defineEndpoint(root, { url, batch_size: 1, max_in_flight: 10, timeout_seconds: 300 });
  await uploadFor(slow, target, namedRows(50));
  await own.startWorker();
  await endpoint.receiver.received(2);
  const { body } = await other.upload(csv(20, 0));
  await until("it is completed", async () => (await other.batch(body.id)).body.state === "completed");
});

test("a small file has its turn while a large one for the same target is sent", async () => {
  await using own = await startRowmill({ ...RECEIVER_SETTINGS, WORKER_CONCURRENCY: "4" });
  const root = await newAdmin(own);
  const [first, second] = [await own.newUser(), await own.newUser()];
  endpoint.instead = (response, { rows }) => {
    const results = rows.map(({ id }) => ({ id, status: "created" }));
    setTimeout(() => sendJson(response, 200, { results }), 50);
    return true;
  };
  const target = await defineEndpoint(root, { url, batch_size: 1, max_in_flight: 1 });
  const large = await uploadFor(first, target, namedRows(1000));
  await own.startWorker();
  await endpoint.receiver.received(5);
  const small = await uploadFor(second, target, namedRows(2));
  await until("it is completed", async () => (await second.batch(small)).body.state === "completed");
  expect((await first.batch(large)).body.state).toBe("processing");
  expect(endpoint.receiver.maxOpen).toBe(1);
  await command(first, large, "cancel");
});

test("an endpoint that hangs during an undo does not hold up the files of other users", async () => {
  // The pool of the worker then has three connections for all but chunks, as with the default settings.
  await using own = await startRowmill({
    ...RECEIVER_SETTINGS,
    WORKER_CONCURRENCY: "3",
    DATABASE_POOL_MAX: "14",
  });
  const root = await newAdmin(own);
  const [slow, other] = [await own.newUser(), await own.newUser()];
  const target = await defineEndpoint(root, {
    url,
    undo_url: `${url}/undo`,
    max_in_flight: 5,
    timeout_seconds: 300,
  });
  await own.startWorker();
  const ids: string[] = [];
  for (let batch = 0; batch < 4; batch++) ids.push(await uploadFor(slow, target, namedRows(3 + batch)));
  const isCompleted = (user: typeof slow, id: string) => async () =>
    (await user.batch(id)).body.state === "completed";
  for (const id of ids) await until("it is completed", isCompleted(slow, id));
  endpoint.receiver.requests.length = 0;
  endpoint.instead = () => true;
  for (const id of ids) await command(slow, id, "undo");
  await endpoint.receiver.received(1);
  // The others have tried to send theirs.
  await sleep(3000);
  const { body } = await other.upload(csv(20, 0));
  await until("it is completed", isCompleted(other, body.id));
});
