/** A database that answers, but cannot write: it is read-only, or its disk is full. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { chown } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { csv } from "../support/book-files.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { onServer } from "../support/postgres.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { atEnd } from "../support/rowmill.ts";
import { addTrigger } from "../support/triggers.ts";
import { until } from "../support/until.ts";

/** Also ends all sessions, because a session keeps the setting of its start. */
async function setReadOnly({ databaseUrl }: Programs, value: "on" | "off"): Promise<void> {
  const database = new URL(databaseUrl).pathname.slice(1);
  const server = inject("serverUrl");
  await onServer(server, `ALTER DATABASE ${database} SET default_transaction_read_only = ${value}`);
  await onServer(
    server,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND backend_type = 'client backend'`,
  );
}

/** A session can also end during the request, because the server ends them one after the other. */
async function expectRefusal(send: () => Promise<Answer<Problem>>, reason: string): Promise<void> {
  const { headers } = await until(`a request is refused because of ${reason}`, async () => {
    const answer = await send();
    expect([answer.status, answer.body.code]).toEqual([503, "unavailable"]);
    return answer.body.detail?.includes(reason) && answer;
  });
  expect(headers.get("retry-after")).toMatch(/^\d+$/);
}

const batchesOf = async (user: Client) =>
  (await user.get<{ items: object[] }>("/api/v1/batches")).body.items?.length;

test("while the database is read-only, reads work, writes get 503, and afterwards everything goes on", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi({ ROW_DELAY_MS: "200" });
  const worker = await rowmill.startWorker();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(450, 50));
  await until("a row has succeeded", async () => (await user.batch(batch.id)).body.counts.success > 0);

  await setReadOnly(rowmill, "on");
  await until("reads work", async () => (await user.batch(batch.id)).status === 200);
  await until("the API is ready", async () => (await user.get("/readyz")).status === 200);
  const book = { title: "Emma", author: "Jane Austen" };
  await until("writes are refused", async () => (await user.post("/api/v1/books", book)).status === 503);
  const account = { username: "x", password: "correct horse" };
  for (const send of [
    () => user.post<Problem>("/api/v1/books", book),
    () => user.upload<Problem>(csv(10)),
    () => user.post<Problem>("/api/v1/tasks", { type: "generic", title: "t" }),
    () => api.client.post<Problem>("/api/v1/auth/signup", account),
  ])
    await expectRefusal(send, "read-only");
  const second = await rowmill.startApi();
  expect((await second.clientOf(user).batch(batch.id)).status).toBe(200);
  expect([api.program.hasEnded, second.program.hasEnded, worker.hasEnded]).toEqual([false, false, false]);

  await setReadOnly(rowmill, "off");
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 450, bad: 50 });
  expect(await batchesOf(user)).toBe(1);
});

/** Makes the disk of uploaded rows small, or, where this is not allowed, its table behave so. @returns undoes it */
async function limitRows({ ctx }: Programs): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "rowmill-disk-"));
  atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], { stdio: "pipe" });
  } catch {
    await addTrigger(
      ctx.pool,
      "refuse",
      "BEFORE INSERT ON rowmill.batch_rows FOR EACH ROW WHEN (NEW.row_number > 20000)",
      "RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file: No space left on device';",
    );
    return async () => void (await ctx.pool.query("DROP TRIGGER refuse ON rowmill.batch_rows"));
  }
  atEnd(async () => void execFileSync("umount", [folder]));
  const { rows } = await ctx.pool.query<{ data_directory: string }>("SHOW data_directory");
  const { uid, gid } = statSync(rows[0]?.data_directory ?? "/");
  execFileSync("chmod", ["755", folder]);
  const inner = join(folder, "tablespace");
  mkdirSync(inner);
  await chown(inner, uid, gid);
  await ctx.pool.query(`CREATE TABLESPACE rowmill_small LOCATION '${inner}'`);
  const { rows: tables } = await ctx.pool.query<{ name: string }>(
    "SELECT relid::regclass::text AS name FROM pg_partition_tree('rowmill.batch_rows')",
  );
  const moveTo = async (space: string) => {
    for (const { name } of tables) await ctx.pool.query(`ALTER TABLE ${name} SET TABLESPACE ${space}`);
  };
  await moveTo("rowmill_small");
  return async () => {
    await moveTo("pg_default");
    await ctx.pool.query("DROP TABLESPACE rowmill_small");
  };
}

// The disk is that of the coordinator, and the rows are on nodes.
testOnOneServer(
  "an upload that fills the disk gets 503 and leaves nothing, and works once there is space",
  async () => {
    await using rowmill = await startPrograms();
    const api = await rowmill.startApi();
    const worker = await rowmill.startWorker();
    const user = await api.client.signUp("reader");
    const makeSpace = await limitRows(rowmill);
    const large = csv(30_000);
    for (const _ of [1, 2]) await expectRefusal(() => user.upload<Problem>(large), "disk");
    await until("nothing of them is left", async () => (await batchesOf(user)) === 0);
    const { rows } = await rowmill.ctx.pool.query("SELECT FROM rowmill.batch_rows LIMIT 1");
    expect(rows).toEqual([]);
    expect((await user.get("/readyz")).status).toBe(200);
    expect([api.program.hasEnded, worker.hasEnded]).toEqual([false, false]);

    await makeSpace();
    const { status, body: batch } = await user.upload(large);
    expect(status).toBe(202);
    expect((await user.finished(batch.id, 90_000)).counts.success).toBe(30_000);
  },
);
