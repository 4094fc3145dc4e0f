import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { csv } from "../support/book-files.ts";
import type { Client, Problem } from "../support/client.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { startPrograms } from "../support/processes.ts";
import { createDatabase } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { uploadForm } from "../support/upload-form.ts";

/** Connections of somebody else. */
function stranger(databaseUrl: string): { readonly pool: pg.Pool } & AsyncDisposable {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, idleTimeoutMillis: 0 });
  return { pool, [Symbol.asyncDispose]: () => pool.end() };
}

const upload = async (user: Client, query: Record<string, string>, rows = 500) =>
  (await uploadForm(user, csv(rows), { query: { ...query, force: "true" } })).body;

// Nodes of Citus have a limit of their own for the locks of rows.
testOnOneServer("rows wait for a foreign transaction however long it holds its locks", async () => {
  await using database = await createDatabase();
  // Short limits, so that the transaction outlasts many of them.
  const url = `${database.url}?lock_timeout=200`;
  // No attempt may be used up.
  await using rowmill = await startPrograms({ ROW_MAX_RETRIES: "0" }, url);
  const api = await rowmill.serveApi();
  const worker = await rowmill.startWorker();
  const user = await api.client.signUp("reader");
  const { id: first } = await upload(user, { mode: "insert" });
  await user.finished(first);
  await using other = stranger(database.url);
  await other.pool.query("BEGIN");
  await other.pool.query("SELECT FROM rowmill.books WHERE title = 'Title 250' FOR UPDATE");

  // Titles in another case change every book.
  const renamed = (
    await user.upload(csv(500).replaceAll("Title", "TITLE"), "/api/v1/batches?target=books&mode=upsert")
  ).body;
  const batches = [
    renamed,
    await upload(user, { mode: "upsert", policy: "atomic" }),
    await upload(user, { mode: "upsert", dry_run: "true" }),
  ];
  await worker.logged("another transaction is in the way; trying again", 15);
  const { body: page } = await user.get<{ items: { id: number; title: string }[] }>(
    "/api/v1/books?search=250",
  );
  const held = page.items.find(({ title }) => title.toLowerCase() === "title 250");
  const refused = await user.patch<Problem>(`/api/v1/books/${held?.id}`, { description: "by hand" });
  expect([refused.status, refused.body.code, refused.headers.get("retry-after")]).toEqual([
    503,
    "unavailable",
    "5",
  ]);
  for (const { id } of batches) {
    const { body } = await user.batch(id);
    expect([body.counts.failed, body.finished_at]).toEqual([0, null]);
  }

  await other.pool.query("COMMIT");
  for (const { id } of batches) {
    const batch = await user.finished(id);
    expect([batch.counts.failed, batch.reason]).toEqual([0, null]);
  }
  expect(worker.lines("job failed")).toEqual([]);
});

test("a table that a foreign transaction locks delays everything and fails nothing", async () => {
  await using database = await createDatabase();
  const url = `${database.url}?lock_timeout=200`;
  await using rowmill = await startPrograms({ ROW_MAX_RETRIES: "0" }, url);
  const api = await rowmill.serveApi();
  const worker = await rowmill.startWorker();
  const user = await api.client.signUp("reader");
  const { id: undone } = await upload(user, { mode: "insert" });
  await user.finished(undone);
  await using other = stranger(database.url);
  await other.pool.query("BEGIN");
  await other.pool.query("LOCK TABLE rowmill.books, rowmill.row_results IN SHARE MODE");
  await user.post(`/api/v1/batches/${undone}/undo`);
  await worker.logged("another transaction is in the way; trying again", 5);
  const writer = await api.client.signUp("writer");
  const { id } = await upload(writer, { mode: "insert" });
  await worker.logged("another transaction is in the way; trying again", 20);
  await other.pool.query("COMMIT");
  expect((await writer.finished(id)).counts).toMatchObject({ success: 500, failed: 0 });
  await until("the undo ends", async () => (await user.batch(undone)).body.state === "undone");
  expect((await user.batch(undone)).body.counts.undone).toBe(500);
});

test("sessions that are ended every two seconds lose and duplicate no row", async () => {
  await using rowmill = await startPrograms({ ROW_DELAY_MS: "400" });
  const api = await rowmill.startApi();
  const workers = [await rowmill.startWorker(), await rowmill.startWorker()];
  const [large, atomic, steady] = [
    await api.client.signUp("large"),
    await api.client.signUp("atomic"),
    await api.client.signUp("steady"),
  ];
  const { body: batch } = await large.upload(csv(19_000, 1000));
  const whole = (await uploadForm(atomic, csv(3000), { query: { policy: "atomic" } })).body;
  await using admin = stranger(rowmill.databaseUrl);
  const accepted: string[] = [];
  for (let round = 0; round < 8; round++) {
    await admin.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    const answer = await steady.upload<BatchView>(
      csv(50),
      "/api/v1/batches?target=books&mode=append&force=true",
    );
    if (answer.status === 202) accepted.push(answer.body.id);
    else expect(answer.status).toBe(503);
    // The time between two ends of the sessions is the input of this test.
    await sleep(2000);
  }
  const { pool } = admin;
  await large.finished(batch.id);
  await expectExactlyOnce(pool, batch.id, { good: 19_000, bad: 1000 });
  await atomic.finished(whole.id);
  await expectExactlyOnce(pool, whole.id, { good: 3000, bad: 0 });
  for (const id of accepted)
    expect((await steady.finished(id)).counts).toMatchObject({ success: 50, failed: 0 });
  const { rows } = await pool.query(
    `SELECT (SELECT count(*)::int FROM rowmill.row_results WHERE error_code = 'gave_up') AS "gaveUp",
      (SELECT count(*)::int FROM rowmill.books WHERE user_id = $1) AS books`,
    [steady.userId],
  );
  expect(rows).toEqual([{ gaveUp: 0, books: 50 * accepted.length }]);
  expect(accepted.length).toBeGreaterThan(0);
  expect([api.program, ...workers].map(({ hasEnded }) => hasEnded)).toEqual([false, false, false]);
});
