/** Result files beside other requests, and while the database fails. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { pipeline } from "node:stream";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import type pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { searchConnections } from "../../../src/config/connections.ts";
import type { Client } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { path, storeBatch } from "../../support/result-files.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const ROWS = 30_000;

async function download(user: Client, id: string, encoding = "identity"): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${user.token}`, "accept-encoding": encoding };
  const request = get(user.url + path(id, "all.csv"), { headers, agent: false });
  const [response]: [IncomingMessage] = (await once(request, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return response;
}

/** Its downloads begin without a look at the rows. */
async function store(user: Client, tail?: string): Promise<string> {
  const id = await storeBatch(rowmill, user, ROWS, tail ? "" : "x", tail);
  await rowmill.ctx.pool.query("UPDATE rowmill.batches SET warnings = '{}' WHERE id = $1", [id]);
  return id;
}

const rowsIn = (file: string) => file.split("\n").length - 2;

/** Keeps result files from reading rows, as a slow database does. */
async function lockRows(): Promise<{ unlock(): Promise<void>; readonly pool: pg.Pool }> {
  const { pool } = rowmill.ctx;
  const client = await pool.connect();
  let isLocked = true;
  const unlock = async () => {
    if (!isLocked) return;
    isLocked = false;
    await client.query("ROLLBACK");
    client.release();
  };
  onTestFinished(unlock);
  await client.query("BEGIN");
  await client.query("LOCK TABLE rowmill.batch_rows IN ACCESS EXCLUSIVE MODE");
  return { unlock, pool };
}

const WAITING = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%batch_rows%'`;

test("many downloads that wait for the database take turns, and leave connections to the requests of others", async () => {
  const users = await Promise.all(Array.from({ length: 4 }, () => rowmill.newUser()));
  const stored = await Promise.all(users.map(async (user) => ({ user, id: await store(user) })));
  const reads = rowmill.ctx.reads.connections;
  const most = searchConnections(reads);
  expect(most).toBeLessThan(reads);
  const reader = await rowmill.newUser();
  const { body: mine } = await reader.upload("title,author\nEmma,Austen\n");
  const { unlock, pool } = await lockRows();
  const files = Promise.all(
    [...stored, ...stored, ...stored].map(async ({ user, id }) => text(await download(user, id))),
  );
  await until("downloads wait", async () => (await count(pool, `SELECT count(*) ${WAITING}`)) >= most);
  // More than all connections of reads, one after another.
  for (let read = 0; read <= reads; read++) expect((await reader.batch(mine.id)).status).toBe(200);
  expect(await count(pool, `SELECT count(*) ${WAITING}`)).toBe(most);
  await unlock();
  for (const file of await files) expect(rowsIn(file)).toBe(ROWS);
});

test("a download that its client leaves while it waits for its turn holds nothing up", async () => {
  const user = await rowmill.newUser();
  const id = await store(user);
  const other = await rowmill.newUser();
  const others = await store(other);
  const { unlock, pool } = await lockRows();
  const most = searchConnections(rowmill.ctx.reads.connections);
  const left = await Promise.all(Array.from({ length: most + 1 }, () => download(user, id)));
  await until("downloads wait", async () => (await count(pool, `SELECT count(*) ${WAITING}`)) === most);
  for (const response of left) response.destroy();
  const file = download(other, others).then(text);
  await unlock();
  expect(rowsIn(await file)).toBe(ROWS);
});

test.each(["identity", "gzip"])(
  "a client notices if the database fails in the middle of its download (%s)",
  async (encoding) => {
    const user = await rowmill.newUser();
    // Longer than what the sockets hold.
    const noise = "(SELECT string_agg(md5(n || '/' || k), '') FROM generate_series(1, 30) AS k)";
    const id = await store(user, noise);
    const response = await download(user, id, encoding);
    await once(response, "readable");
    const { unlock, pool } = await lockRows();
    const file = encoding === "gzip" ? pipeline(response, createGunzip(), () => {}) : response;
    const seen = expect(text(file)).rejects.toThrow();
    await until("a page waits", async () => {
      const { rows } = await pool.query<{ pid: number }>(`SELECT pg_terminate_backend(pid) ${WAITING}`);
      return rows.length > 0;
    });
    await unlock();
    await seen;
    // The next download is complete.
    const { length } = await text(await download(user, id));
    expect(length).toBeGreaterThan(ROWS * 960);
  },
);
