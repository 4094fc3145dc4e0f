import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { reconcile } from "../../../src/batches/upkeep/reconcile.ts";
import type { BatchView } from "../../../src/batches/views.ts";
import type { Problem } from "../../support/client.ts";
import { SlowUpload } from "../../support/slow-upload.ts";
import { addTrigger } from "../../support/triggers.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { DATABASE_POOL_MAX: "40" } });

const ROWS = 60_000;

/** Some five segments. Files with different names have different bytes. */
function largeFile(name: string): string {
  const filler = "x".repeat(70);
  const lines = Array.from({ length: ROWS }, (_, row) => `${name} ${row},Author,${filler}\n`);
  return `title,author,description\n${lines.join("")}`;
}

const GATE = 4711;

beforeAll(async () => {
  const body = `PERFORM set_config('lock_timeout', '0', true), pg_advisory_xact_lock_shared(${GATE}); RETURN NULL;`;
  await addTrigger(rowmill.ctx.pool, "gate", "BEFORE INSERT ON rowmill.batch_rows", body);
});

/** Every segment waits at the gate, until the returned function is called. */
async function closeGate(): Promise<() => Promise<void>> {
  const client = await rowmill.ctx.pool.connect();
  await client.query("SELECT pg_advisory_lock($1)", [GATE]);
  return async () => {
    await client.query("SELECT pg_advisory_unlock($1)", [GATE]);
    client.release();
  };
}

async function waitingSegments(): Promise<number> {
  const { rows } = await rowmill.ctx.pool.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE 'COPY rowmill.batch_rows%'`,
  );
  return rows[0]?.waiting ?? 0;
}

async function writtenSegments(): Promise<number> {
  const { rows } = await rowmill.ctx.pool.query<{ count: number }>(
    `SELECT count(*)::int FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND query NOT LIKE '%pg_stat_activity%'`,
  );
  return rows[0]?.count ?? 0;
}

async function waitingRemovals(): Promise<number> {
  const { rows } = await rowmill.ctx.pool.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DELETE FROM rowmill."batch_rows"%'`,
  );
  return rows[0]?.waiting ?? 0;
}

async function receiving(): Promise<string[]> {
  const { rows } = await rowmill.ctx.pool.query<{ id: string }>(
    "SELECT id FROM rowmill.batches WHERE state = 'receiving'",
  );
  return rows.map(({ id }) => id);
}

async function countRows(batchId: string): Promise<number> {
  const { rows } = await rowmill.ctx.pool.query<{ count: number }>(
    "SELECT count(*)::int FROM rowmill.batch_rows WHERE batch_id = $1",
    [batchId],
  );
  return rows[0]?.count ?? 0;
}

describe("segments of an upload", () => {
  test("an upload writes at most two segments at a time", async () => {
    const user = await rowmill.newUser();
    const open = await closeGate();
    const sent = user.upload<BatchView>(largeFile("alone"));
    await until("two segments wait", async () => (await waitingSegments()) === 2);
    await open();
    const { status, body } = await sent;
    expect(status).toBe(202);
    expect(body.counts.total).toBe(ROWS);
    expect(await countRows(body.id)).toBe(ROWS);
  });

  test("uploads share two connections for second segments", async () => {
    const users = await Promise.all(Array.from({ length: 4 }, () => rowmill.newUser()));
    const open = await closeGate();
    const sent = users.map((user, number) => user.upload<BatchView>(largeFile(`file ${number}`)));
    await until("four first and two second segments wait", async () => (await waitingSegments()) === 6);
    await open();
    for (const { status, body } of await Promise.all(sent)) {
      expect(status).toBe(202);
      expect(await countRows(body.id)).toBe(ROWS);
    }
  });

  test("segments that wait longer than the pool allows cost no upload, and other requests find connections meanwhile", async () => {
    const { max, connectionTimeoutMillis } = rowmill.ctx.pool.options;
    const users = await Promise.all(Array.from({ length: Math.ceil(max / 4) + 1 }, () => rowmill.newUser()));
    const open = await closeGate();
    const sent = users.flatMap((user) =>
      [1, 2, 3, 4].map((number) => user.upload<BatchView>(`title,author\nBook ${number},Author\n`)),
    );
    await until(
      "half of the connections wait",
      async () => (await waitingSegments()) === Math.floor(max / 2),
    );
    await until("all uploads have started", async () => (await receiving()).length === sent.length);
    await sleep((connectionTimeoutMillis ?? 0) + 1000);
    await rowmill.newUser();
    expect(await waitingSegments()).toBe(Math.floor(max / 2));
    await open();
    for (const { status } of await Promise.all(sent)) expect(status).toBe(202);
  });

  test("an upload that was removed stores none of the segments that are being written", async () => {
    const user = await rowmill.newUser();
    const open = await closeGate();
    const sent = user.upload<Problem>(largeFile("removed"));
    await until("two segments wait", async () => (await waitingSegments()) === 2);
    const [batchId = ""] = await receiving();
    await rowmill.ctx.pool.query("DELETE FROM rowmill.batches WHERE id = $1", [batchId]);
    await open();
    const { status, body } = await sent;
    expect(status).toBe(409);
    expect(body.detail).toMatch(/was removed\. Send the file again/);
    expect(await countRows(batchId)).toBe(0);
  });

  test("an upload that continues while the reconciler removes it is refused, and leaves no rows", async () => {
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    const [head = "", ...lines] = largeFile("late").split("\n");
    using upload = new SlowUpload(user);
    await upload.send(`${head}\n${lines.slice(0, ROWS / 2).join("\n")}\n`);
    const batchId = await until("rows are stored", async () => {
      const [id] = await receiving();
      return id !== undefined && (await countRows(id)) > 0 ? id : null;
    });
    // The removal waits for this transaction.
    const client = await ctx.pool.connect();
    await client.query("BEGIN");
    await client.query("SELECT FROM rowmill.batch_rows WHERE batch_id = $1 FOR UPDATE", [batchId]);
    const removed = reconcile({ ...ctx, now: () => new Date(Date.now() + 600_000) });
    await until("the reconciler waits", async () => (await waitingRemovals()) === 1);
    await upload.send(`${lines.slice(ROWS / 2).join("\n")}\n`);
    const answer = upload.end();
    const isRefused = until("the upload removes itself", async () => (await waitingRemovals()) === 2);
    await Promise.race([answer, isRefused]);
    await client.query("COMMIT");
    client.release();
    expect((await answer)?.status).toBe(409);
    expect((await removed).uploadsRemoved).toBe(1);
    expect(await countRows(batchId)).toBe(0);
  });

  test("an upload of which one segment fails is refused at once, and does not read the rest of the file", async () => {
    const user = await rowmill.newUser();
    const { pool } = rowmill.ctx;
    // Only the first segment fails.
    await pool.query("CREATE SEQUENCE rowmill.segments");
    await addTrigger(
      pool,
      "fail_first",
      "BEFORE INSERT ON rowmill.batch_rows",
      "IF nextval('rowmill.segments') = 1 THEN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END IF; RETURN NULL;",
    );
    using upload = new SlowUpload(user);
    const answered = upload.answer.then((answer) => answer?.status);
    let pieces = 0;
    let status: number | undefined;
    const [head = "", ...lines] = largeFile("failing").split("\n");
    await upload.send(`${head}\n`);
    for (; pieces < 60 && status === undefined; pieces++) {
      await upload.send(`${lines.slice(pieces * 1000, (pieces + 1) * 1000).join("\n")}\n`);
      status = await Promise.race([answered, sleep(20, undefined)]);
      // No segment overlaps with the next one.
      await until("no segment is being written", async () => (await writtenSegments()) === 0);
    }
    expect(status).toBe(503);
    expect(pieces).toBeLessThan(50);
    await pool.query("DROP TRIGGER fail_first ON rowmill.batch_rows");
    expect((await user.upload(largeFile("failing"))).status).toBe(202);
  });

  test("the setting of segments does not outlast them", async () => {
    const user = await rowmill.newUser();
    expect((await user.upload(largeFile("setting"))).status).toBe(202);
    const clients = await Promise.all(Array.from({ length: 5 }, () => rowmill.ctx.pool.connect()));
    for (const client of clients) {
      const { rows } = await client.query("SHOW synchronous_commit");
      client.release();
      expect(rows).toEqual([{ synchronous_commit: "on" }]);
    }
  });
});
