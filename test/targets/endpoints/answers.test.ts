/** Rows that go to an endpoint, and every answer that it may give. */
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { Later } from "../../../src/platform/queue/later.ts";
import { command, untilBatch } from "../../support/batches.ts";
import type { Client } from "../../support/client.ts";
import {
  defineEndpoint,
  deliverTurns,
  Endpoint,
  namedRows,
  sendJson,
  uploadFor,
} from "../../support/endpoints.ts";
import { RECEIVER_SETTINGS } from "../../support/receiver.ts";
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
  endpoint.times.clear();
});

const { url } = endpoint;
const batchOf = async (id: string) => (await user.batch(id)).body;
const errorsOf = async (id: string) =>
  (await user.rows(id, "failed")).map(({ row, errors }) => [row, ...errors.map(({ code }) => code)]);

async function sendFile(rows: number, destination: object = {}, options: Record<string, string> = {}) {
  const target = await defineEndpoint(admin, { url, ...destination });
  const id = await uploadFor(user, target, namedRows(rows), options);
  return { target, id };
}

describe("a request", () => {
  test("a request has the rows with typed values, an id that is the same for the same rows, and the trace", async () => {
    const { target, id } = await sendFile(3);
    await deliverTurns(rowmill, id);
    const [received] = endpoint.receiver.requests;
    expect(endpoint.bodies[0]).toEqual({
      ...{ type: "rows", target, batch_id: id, mode: "insert", dry_run: false, attempt: 1 },
      rows: [2, 3, 4].map((row) => ({
        id: `${id.slice(0, -8)}0000000${row}`,
        row,
        data: { name: `n${row}`, number: row },
      })),
    });
    const messageId = received?.headers["webhook-id"];
    expect(messageId).toMatch(/^b_[0-9a-f]{32}_2_[0-9a-f]{16}$/);
    expect(received?.headers).toMatchObject({
      "idempotency-key": messageId,
      "content-type": "application/json",
    });
    expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 3 } });
  });

  test("a request has at most batch_size rows, and rows that break a rule are not sent", async () => {
    const target = await defineEndpoint(admin, { url, batch_size: 4 });
    const id = await uploadFor(
      user,
      target,
      namedRows(6, (row) => (row === 3 ? "" : `n${row}`)),
    );
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT first_row FROM rowmill.chunks WHERE batch_id = $1 ORDER BY 1",
      [id],
    );
    for (const { first_row } of rows) await deliverTurns(rowmill, id, first_row);
    expect(endpoint.sent).toEqual([
      [2, 4, 5],
      [6, 7],
    ]);
    expect(await errorsOf(id)).toEqual([[3, "required"]]);
  });

  test("a request has at most 1 MiB, and a larger row fails alone", async () => {
    const columns = ["a", "b", "c"].map((name) => ({ name, type: "text" as const }));
    const target = await defineEndpoint(admin, { url }, { columns });
    const cells = (row: number) =>
      Array(3)
        .fill("x".repeat(row === 4 ? 1_000_000 : 130_000))
        .join(",");
    const id = await uploadFor(user, target, `a,b,c\n${[2, 3, 4, 5, 6, 7].map(cells).join("\n")}\n`);
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT first_row FROM rowmill.chunks WHERE batch_id = $1 ORDER BY 1",
      [id],
    );
    for (const { first_row } of rows) await deliverTurns(rowmill, id, first_row);
    expect(endpoint.sent.flat()).toEqual([2, 3, 5, 6, 7]);
    for (const { body } of endpoint.receiver.requests) expect(body.length).toBeLessThanOrEqual(2 ** 20);
    const [failed] = await user.rows(id, "failed");
    expect(failed).toMatchObject({ row: 4, error_code: "row_too_large" });
    expect(failed?.error_message).toMatch(/3,?000,?\d+ bytes.*1,?048,?576/);
  });
});

describe("the results of rows", () => {
  test("the results of rows are stored with the ids of records, and bounded", async () => {
    const long = "é\0".repeat(600);
    endpoint.result = ({ row }) =>
      [
        { status: "created", record_id: "A-1" },
        { status: "updated", record_id: 7 },
        { status: "unchanged", record_id: "x".repeat(300) },
        { status: "failed", errors: [{ column: "name", code: "taken", message: "name is taken" }] },
        { status: "failed", errors: Array(50).fill({ column: long, code: long, message: long }) },
        { status: "failed" },
      ][row - 2] ?? {};
    const { id } = await sendFile(6);
    await deliverTurns(rowmill, id);
    expect(await batchOf(id)).toMatchObject({
      state: "completed_with_errors",
      counts: { success: 3, failed: 3 },
    });
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT record_key, effect FROM rowmill.row_results WHERE batch_id = $1 AND status = 'success' ORDER BY row_number",
      [id],
    );
    expect(rows).toEqual([
      { record_key: '{"id":"A-1"}', effect: "created" },
      { record_key: '{"id":"7"}', effect: "updated" },
      { record_key: null, effect: "unchanged" },
    ]);
    const [taken, bounded, silent] = await user.rows(id, "failed");
    expect(taken?.errors).toEqual([{ column: "name", code: "taken", message: "name is taken" }]);
    expect(bounded?.errors).toHaveLength(20);
    expect(bounded?.errors[0]?.message.length).toBeLessThanOrEqual(1000);
    expect(silent).toMatchObject({ error_code: "rejected" });
  });

  test("422 has results as well", async () => {
    endpoint.instead = (response, { rows }) =>
      sendJson(response, 422, { results: rows.map(({ id }) => ({ id, status: "failed" })) });
    const { id } = await sendFile(3);
    await deliverTurns(rowmill, id);
    expect(await errorsOf(id)).toEqual([2, 3, 4].map((row) => [row, "rejected"]));
    expect(endpoint.sent).toHaveLength(1);
  });

  test("rows without a result, or with `retry`, are sent again, and unknown ids are ignored", async () => {
    endpoint.instead = (response, { rows, attempt }) => {
      const results = rows.map(({ id, row }) => ({
        id,
        status: row === 3 && attempt === 1 ? "retry" : "created",
      }));
      const known = attempt === 1 ? results.filter(({ id }) => id !== rows[2]?.id) : results;
      return sendJson(response, 200, { results: [...known, { id: "other", status: "failed" }, null, 7] });
    };
    const { id } = await sendFile(4);
    await deliverTurns(rowmill, id);
    expect(await batchOf(id)).toMatchObject({ state: "processing", counts: { success: 2, pending: 2 } });
    await deliverTurns(rowmill, id);
    expect(endpoint.sent).toEqual([
      [2, 3, 4, 5],
      [3, 4],
    ]);
    const [first, second] = endpoint.receiver.requests;
    expect(second?.headers["webhook-id"]).not.toBe(first?.headers["webhook-id"]);
    expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 4 } });
  });

  test("a row that never gets a result fails after ten attempts", async () => {
    endpoint.result = ({ row }) =>
      row === 3
        ? { status: "retry", errors: [{ code: "locked", message: "locked" }] }
        : { status: "created" };
    const { id } = await sendFile(2);
    for (let attempt = 1; attempt <= 10; attempt++) await deliverTurns(rowmill, id);
    const [failed] = await user.rows(id, "failed");
    expect(failed).toMatchObject({ row: 3, attempts: 10, error_code: "locked" });
    expect(failed?.error_message).toContain("10 attempts");
  });

  test("an empty answer counts as success only if the target says so", async () => {
    endpoint.instead = (response) => Boolean(response.writeHead(204).end());
    const trusted = await sendFile(2, { trust_empty: true });
    await deliverTurns(rowmill, trusted.id);
    expect(await batchOf(trusted.id)).toMatchObject({ state: "completed", counts: { success: 2 } });
    const { id } = await sendFile(2);
    await deliverTurns(rowmill, id);
    expect(await batchOf(id)).toMatchObject({ state: "processing", counts: { success: 0 } });
  });
});

describe("a request that is refused as a whole", () => {
  test.each([400, 413, 422])("%i: is divided until the row at fault is alone", async (status) => {
    endpoint.instead = (response, { rows }) =>
      rows.some(({ row }) => row === 9) && sendJson(response, status, { detail: "row 9 is \0 wrong" });
    const { id } = await sendFile(16);
    await deliverTurns(rowmill, id);
    expect(await errorsOf(id)).toEqual([[9, "rejected"]]);
    const [failed] = await user.rows(id, "failed");
    expect(failed?.error_message).toMatch(new RegExp(`answered ${status}: .*row 9`));
    expect(await batchOf(id)).toMatchObject({ counts: { success: 15, failed: 1 } });
    expect(endpoint.sent.length).toBeLessThanOrEqual(9);
    for (const row of endpoint.created.values()) expect(row.row).not.toBe(9);
  });

  test.each([401, 403, 404, 410, 405, 307])(
    "%i: pauses the batch with the reason, and resuming sends all rows",
    async (status) => {
      endpoint.instead = (response) => {
        response.writeHead(status, { location: url }).end();
        return true;
      };
      const { id } = await sendFile(3);
      await deliverTurns(rowmill, id);
      const paused = await batchOf(id);
      expect(paused).toMatchObject({ state: "paused", counts: { pending: 3, failed: 0 } });
      expect(paused.reason).toContain(String(status));
      expect(endpoint.sent).toHaveLength(1);
      endpoint.instead = usual.instead;
      await command(user, id, "resume");
      await deliverTurns(rowmill, id);
      expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 3 } });
    },
  );
});

describe("an endpoint that cannot be reached", () => {
  const unusable: readonly (readonly [string, Endpoint["instead"], RegExp])[] = [
    ["408", (response) => sendJson(response, 408, ""), /408/],
    ["425", (response) => sendJson(response, 425, ""), /425/],
    ["500", (response) => sendJson(response, 500, "oops"), /500/],
    ["503", (response) => sendJson(response, 503, ""), /503/],
    ["a cut connection", (response) => Boolean(response.destroy()), /closed/],
    ["no answer", () => true, /within 1 s/],
    ["no JSON", (response) => sendJson(response, 200, "<html>"), /JSON/],
    ["no list", (response) => sendJson(response, 200, { ok: true }), /results/],
    ["no body", (response) => sendJson(response, 200, ""), /without a body/],
    [
      "2 MiB",
      (response) => sendJson(response, 200, `{"results":[],"x":"${"x".repeat(2 ** 21)}"}`),
      /1,?048,?576/,
    ],
  ];
  test.each(unusable)(
    "%s: after five requests in a row the batch is paused, and no row is lost",
    async (_, instead, reason) => {
      endpoint.instead = instead;
      const { id } = await sendFile(2, { timeout_seconds: 1 });
      for (let attempt = 1; attempt <= 5; attempt++) {
        expect(await batchOf(id)).toMatchObject({ state: attempt === 1 ? "queued" : "processing" });
        await deliverTurns(rowmill, id);
      }
      const paused = await batchOf(id);
      expect(paused).toMatchObject({ state: "paused", counts: { pending: 2, failed: 0 } });
      expect(paused.reason).toMatch(reason);
      expect(paused.reason).toMatch(/5 requests in a row/);
      expect(new Set(endpoint.receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
      expect(endpoint.bodies.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
      endpoint.instead = usual.instead;
      await command(user, id, "resume");
      await deliverTurns(rowmill, id);
      expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 2 } });
    },
  );

  test("the admins get one alert", async () => {
    const alerts = async (target: string) => {
      const { body } = await admin.get<{ items: object[] }>("/api/v1/notifications");
      return body.items.filter((item) => JSON.stringify(item).includes(`A batch for ${target} is paused`));
    };
    endpoint.instead = (response) => sendJson(response, 401, "");
    const { id, target } = await sendFile(2);
    await deliverTurns(rowmill, id);
    const other = await uploadFor(user, target, namedRows(2));
    await deliverTurns(rowmill, other);
    expect((await batchOf(other)).state).toBe("paused");
    expect(await alerts(target)).toHaveLength(1);
  });

  test.each([
    ["120", 120],
    ["seconds", 60],
  ])("Retry-After %s is respected", async (value, seconds) => {
    const header = value === "seconds" ? new Date(Date.now() + 61_000).toUTCString() : value;
    endpoint.instead = (response) => Boolean(response.writeHead(429, { "retry-after": header }).end());
    const { id } = await sendFile(2);
    await deliverTurns(rowmill, id);
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT extract(epoch FROM due_at - now())::float AS seconds FROM rowmill.chunks WHERE batch_id = $1",
      [id],
    );
    expect(rows[0].seconds).toBeGreaterThan(seconds - 30);
    expect(rows[0].seconds).toBeLessThan(seconds + 5);
  });

  test("a busy endpoint does not pause the batch; its rows fail after ten attempts, and can be retried", async () => {
    endpoint.instead = (response) => Boolean(response.writeHead(429).end());
    const { id } = await sendFile(2);
    for (let attempt = 1; attempt <= 10; attempt++) await deliverTurns(rowmill, id);
    expect(await errorsOf(id)).toEqual([
      [2, "unreachable"],
      [3, "unreachable"],
    ]);
    endpoint.instead = usual.instead;
    await command(user, id, "retry");
    await deliverTurns(rowmill, id);
    expect(await batchOf(id)).toMatchObject({ state: "completed", counts: { success: 2 } });
  });
});

describe("limits", () => {
  test("a target with all its places in use sends nothing, and the job comes back", async () => {
    const { target, id } = await sendFile(2, { max_in_flight: 1 });
    const client = await rowmill.ctx.pool.connect();
    await client.query("INSERT INTO rowmill.endpoint_slots VALUES ($1, 1)", [target]);
    await client.query("BEGIN");
    await client.query("SELECT FROM rowmill.endpoint_slots WHERE target = $1 FOR UPDATE", [target]);
    const outcome = await deliverTurns(rowmill, id);
    expect(outcome).toBeInstanceOf(Later);
    expect(outcome).toMatchObject({ isCounted: false });
    expect(endpoint.sent).toEqual([]);
    await client.query("ROLLBACK");
    client.release();
    await deliverTurns(rowmill, id);
    expect(endpoint.sent).toEqual([[2, 3]]);
  });

  test("rows_per_second holds for all batches of the target", async () => {
    const { target, id } = await sendFile(4, { rows_per_second: 2 });
    const second = await uploadFor(user, target, namedRows(2));
    await deliverTurns(rowmill, id);
    // The rows of one second may be caught up.
    await deliverTurns(rowmill, id, 4);
    expect(await deliverTurns(rowmill, second)).toBeInstanceOf(Later);
    expect(endpoint.sent).toEqual([
      [2, 3],
      [4, 5],
    ]);
  });

  test("policy=atomic is refused", async () => {
    const target = await defineEndpoint(admin, { url });
    const { status, body } = await user.upload<{ detail: string }>(
      namedRows(1),
      `/api/v1/batches?target=${target}&policy=atomic`,
    );
    expect(status).toBe(400);
    expect(body.detail).toContain("atomic");
  });
});

test("somebody else sees neither the batch nor its rows", async () => {
  const { id } = await sendFile(1);
  await deliverTurns(rowmill, id);
  const other: Client = await rowmill.newUser();
  expect((await other.batch(id)).status).toBe(404);
  expect((await other.post(`/api/v1/batches/${id}/undo`)).status).toBe(404);
  await untilBatch(user, id, "completes", ({ state }) => state === "completed");
});
