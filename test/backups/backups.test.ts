import { createHash, randomUUID } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { excludedTables } from "../../src/backups/catalogue.ts";
import { createBackup } from "../../src/backups/create-backup.ts";
import { reconcileBackups } from "../../src/backups/reconcile-backups.ts";
import { startBackup } from "../../src/backups/records.ts";
import { removeFailedBackups } from "../../src/backups/remove-old-backups.ts";
import { Snapshot } from "../../src/backups/snapshot.ts";
import type { viewBackup } from "../../src/backups/views.ts";
import { newBatchId } from "../../src/batches/ids.ts";
import type { Context } from "../../src/context.ts";
import { handlers } from "../../src/handlers.ts";
import { knownMigrations } from "../../src/migrate.ts";
import { uuidV7 } from "../../src/platform/ids.ts";
import { Later } from "../../src/platform/queue/later.ts";
import { retryTask } from "../../src/tasks/control/retry-task.ts";
import { newAdmin } from "../support/admin.ts";
import { backUp, linesOf, newFolder, read, restore, silent } from "../support/backups.ts";
import { csv } from "../support/book-files.ts";
import type { Client, Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { columnsOf, emptyDatabase, migrate, onDatabase } from "../support/databases.ts";
import { prepareLogDays, prepareRowDays } from "../support/day-partitions.ts";
import { storedFile } from "../support/files.ts";
import { importFile } from "../support/imports.ts";
import { daysAgo, entryAt, logEntries } from "../support/logged-requests.ts";
import { asUser, startRowmill } from "../support/rowmill.ts";
import { makeTask, untilEnded } from "../support/task-client.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

type BackupView = ReturnType<typeof viewBackup>;

const BACKUPS = "/api/v1/admin/backups";

function untilBackup(admin: Client, id: string): Promise<BackupView> {
  return until(`backup ${id} has ended`, async () => {
    const { body } = await admin.get<BackupView>(`${BACKUPS}/${id}`);
    return body.finished_at === null ? null : body;
  });
}

const content = (admin: Client, id: string) =>
  admin.download(`${BACKUPS}/${id}/content`, { authorization: `Bearer ${admin.token}` });

test("an admin creates, follows, lists and downloads a backup in a folder", async () => {
  const folder = newFolder();
  await using rowmill = await startRowmill({ DATA_DIR: folder });
  const admin = await newAdmin(rowmill);
  await rowmill.startWorker();
  const created = await admin.post<BackupView>(BACKUPS, {});
  expect(created.status).toBe(202);
  expect(created.headers.get("location")).toBe(`${BACKUPS}/${created.body.id}`);
  const backup = await untilBackup(admin, created.body.id);
  const [name = ""] = readdirSync(`${folder}/backups`);
  const path = `${folder}/backups/${name}`;
  expect(backup).toMatchObject({ state: "completed", user_id: admin.userId, path, error: null });
  expect([statSync(path).mode & 0o777, statSync(`${folder}/backups`).mode & 0o777]).toEqual([0o600, 0o700]);
  const { body: list } = await admin.get<{ items: BackupView[] }>(BACKUPS);
  expect(list.items).toEqual([backup]);
  const { status, headers, body } = await content(admin, backup.id);
  expect([status, headers.get("content-type")]).toEqual([200, "application/gzip"]);
  expect(headers.get("content-disposition")).toBe(`attachment; filename=${name}`);
  expect(createHash("sha256").update(body).digest("hex")).toBe(backup.sha256);
  expect(body.equals(readFileSync(path))).toBe(true);
  const { manifest } = await read(path);
  expect(Object.fromEntries(manifest.tables.map(({ name, rows }) => [name, rows]))).toEqual(backup.rows);
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT kind, subject_id, user_id FROM rowmill.notifications",
  );
  expect(rows).toEqual([{ kind: "backup.completed", subject_id: backup.id, user_id: String(admin.userId) }]);

  writeFileSync(path, "short");
  const missing = await content(admin, backup.id);
  expect(missing.status).toBe(404);
  expect(missing.body.toString()).toContain("Copy it from there, or set BACKUP_TO=files");
});

test("a stored backup is a file that no other backup contains", async () => {
  await using rowmill = await startRowmill({ BACKUP_TO: "files", BACKUP_KEEP: "2" });
  const admin = await newAdmin(rowmill);
  await rowmill.startWorker();
  const file = await storedFile(admin, Buffer.alloc(3_000_000, "x"));
  const ids: string[] = [];
  for (let at = 0; at < 3; at++) {
    const { body } = await admin.post<BackupView>(BACKUPS, {});
    expect(await untilBackup(admin, body.id)).toMatchObject({
      state: "completed",
      path: null,
      rows: { files: 1, file_chunks: 3 },
    });
    ids.push(body.id);
  }
  await until(
    "the oldest backup is removed",
    async () => (await admin.get(`${BACKUPS}/${ids[0]}`)).status === 404,
  );
  const { body: list } = await admin.get<{ items: BackupView[] }>(BACKUPS);
  expect(list.items.map(({ id }) => id)).toEqual(ids.slice(1).reverse());
  const { body: files } = await admin.get<{ items: { id: string }[] }>("/api/v1/files");
  expect(files.items.map(({ id }) => id)).toEqual([file.id]);
  const { body } = await content(admin, ids[2] ?? "");
  expect(createHash("sha256").update(body).digest("hex")).toBe(list.items[0]?.sha256);
  expect(gunzipSync(body).toString()).toMatch(/^\["rowmill-backup",/);
  expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.files WHERE origin = 'backup'")).toBe(2);
});

test("the daily cleanup removes stored files that no backup has recorded, and old failures", async () => {
  await using rowmill = await startRowmill({ BACKUP_TO: "files" });
  const { ctx } = rowmill;
  await newAdmin(rowmill);
  const later = (days: number) => ({ ...ctx, now: () => new Date(Date.now() + days * 86_400_000) });
  const kept = uuidV7(new Date());
  await createBackup(ctx, { id: kept, userId: null, signal: new AbortController().signal });
  const lost = uuidV7(new Date());
  await createBackup(ctx, { id: lost, userId: null, signal: new AbortController().signal });
  await ctx.pool.query(
    "UPDATE rowmill.backups SET state = 'failed', error = 'killed', file_id = NULL WHERE id = $1",
    [lost],
  );
  expect(await removeFailedBackups(ctx)).toBe(0);
  expect(await removeFailedBackups(later(2))).toBe(1);
  expect(
    await count(ctx.pool, "SELECT count(*) FROM rowmill.files JOIN rowmill.backups ON file_id = files.id"),
  ).toBe(1);
  expect(await count(ctx.pool, "SELECT count(*) FROM rowmill.files")).toBe(1);
  expect(await removeFailedBackups(later(31))).toBe(1);
  expect((await ctx.pool.query("SELECT id FROM rowmill.backups")).rows).toEqual([{ id: kept }]);
});

test("only the newest backups of the folder are kept, and other files stay", async () => {
  const folder = newFolder();
  await using rowmill = await startRowmill({ DATA_DIR: folder, BACKUP_KEEP: "2" });
  const names: string[][] = [];
  for (let at = 0; at < 4; at++) {
    const { path } = await backUp(rowmill.ctx, { folder: undefined });
    writeFileSync(`${folder}/backups/notes.txt`, "mine");
    names.push(readdirSync(`${folder}/backups`));
    expect(names.at(-1)).toContain(path.split("/").at(-1));
  }
  expect(names.map(({ length }) => length)).toEqual([2, 3, 3, 3]);
  expect(names.at(-1)).toContain("notes.txt");
  expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.backups")).toBe(2);
});

describe("the content", () => {
  const rowmill = useRowmill();

  test("a backup has every table of the catalogue except the excluded ones, also tables of later versions and partitions", async () => {
    const { ctx } = rowmill;
    const partitioned = `
      CREATE TABLE rowmill.later (day timestamptz NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, bits bytea, cells json, tags text[], n numeric,
        twice bigint GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (day)`;
    await ctx.pool.query(`${partitioned};
      CREATE TABLE rowmill.later_1 PARTITION OF rowmill.later FOR VALUES FROM ('2026-11-25') TO ('2026-11-26');
      CREATE TABLE rowmill.later_rest PARTITION OF rowmill.later DEFAULT;
      INSERT INTO rowmill.later (day, bits, cells, tags, n) VALUES
        ('2026-11-25 12:00:00.123456Z', '\\x00ff5c220a', E'{"b" : 1,\\n "a": 12345678901234567890, "a": null}', '{"a,b",NULL,"\\\\"}', 'NaN'),
        ('infinity', NULL, 'null', '{}', 12345678901234567890.123456789)`);
    const { path } = await backUp(ctx);
    const { manifest } = await read(path);
    const tables = Object.keys(await columnsOf(ctx.config.databaseUrl, "rowmill"));
    const expected = tables.filter((table) => !excludedTables(false).includes(table));
    expect(manifest.tables.map(({ name }) => name)).toEqual(expected.sort());

    const url = await emptyDatabase();
    await migrate(url);
    await onDatabase(url, (client) => client.query(partitioned));
    await restore(url, path);
    const rowsOf = async (query: (text: string) => Promise<{ rows: unknown[] }>) =>
      (await query("SELECT tableoid::regclass::text, later::text FROM rowmill.later ORDER BY day")).rows;
    expect(await onDatabase(url, (client) => rowsOf((text) => client.query(text)))).toEqual(
      await rowsOf((text) => ctx.pool.query(text)),
    );
    await onDatabase(url, (client) => client.query("INSERT INTO rowmill.later (day) VALUES (now())"));
    await ctx.pool.query("DROP TABLE rowmill.later");
  });

  test("a backup has the partitions of rows and results, whatever partitions the new database has", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const user = await rowmill.newUser();
    await prepareRowDays({ ...ctx, now: () => daysAgo(20) });
    const batch = await importFile(rowmill, user, csv(30, 3));
    for (const table of ["batch_rows", "row_results"])
      await ctx.pool.query(
        `UPDATE rowmill.${table} SET batch_id = $2 WHERE batch_id = $1 AND row_number < 9`,
        [batch, newBatchId(daysAgo(20))],
      );
    const rowsOf = (url: string) =>
      onDatabase(url, async (client) => {
        const rows = await client.query(
          `SELECT tableoid::regclass::text AS partition, batch_rows::text AS row FROM rowmill.batch_rows
          UNION ALL SELECT tableoid::regclass::text, row_results::text FROM rowmill.row_results ORDER BY 1, 2`,
        );
        return rows.rows;
      });
    const expected = await rowsOf(ctx.config.databaseUrl);
    expect(new Set(expected.map(({ partition }) => partition)).size).toBe(4);
    const { path } = await backUp(ctx);
    const [empty, migrated] = [await emptyDatabase(), await emptyDatabase()];
    await migrate(migrated);
    for (const url of [empty, migrated]) {
      await restore(url, path);
      expect(await rowsOf(url)).toEqual(expected);
    }
  });

  test("a backup of a version without partitions is restored as the partition of all days before a boundary", async () => {
    const url = await emptyDatabase();
    await migrate(url, knownMigrations().length);
    await using rowmill = await startRowmill({}, url);
    const batch = await importFile(rowmill, await rowmill.newUser(), csv(30, 3));
    const { path } = await backUp(rowmill.ctx);
    const [empty, migrated] = [await emptyDatabase(), await emptyDatabase()];
    await migrate(migrated);
    for (const restored of [empty, migrated]) {
      await restore(restored, path);
      const { rows } = await onDatabase(restored, (client) =>
        client.query(
          "SELECT tableoid::regclass::text AS partition, count(*)::int AS rows FROM rowmill.row_results WHERE batch_id = $1 GROUP BY 1",
          [batch],
        ),
      );
      expect(rows).toEqual([
        { partition: expect.stringMatching(/^rowmill\.row_results_before_\d{8}$/), rows: 33 },
      ]);
    }
  });

  test("a backup has the request log if BACKUP_REQUEST_LOG asks for it, and is restored with its partitions", async () => {
    await using rowmill = await startRowmill({ REQUEST_LOG: "off", BACKUP_REQUEST_LOG: "on" });
    const { ctx } = rowmill;
    const days = [0, 1, 40];
    await prepareLogDays({ ...ctx, now: () => daysAgo(1) });
    await logEntries(
      ctx,
      days.map((day) => entryAt(daysAgo(day))),
    );
    await ctx.pool.query("INSERT INTO rowmill.request_log_gaps (at, requests) VALUES (now(), 7)");
    const { path, rows } = await backUp(ctx);
    expect(rows).toMatchObject({ request_log: 3, request_log_gaps: 1 });
    const logOf = async (url: string) =>
      onDatabase(url, async (client) => {
        const { rows } = await client.query(
          "SELECT tableoid::regclass::text AS partition, request_log::text AS entry FROM rowmill.request_log ORDER BY at",
        );
        return rows;
      });
    const expected = await logOf(ctx.config.databaseUrl);
    expect(new Set(expected.map(({ partition }) => partition)).size).toBe(3);
    const url = await emptyDatabase();
    await migrate(url);
    await restore(url, path);
    expect(await logOf(url)).toEqual(expected);
    const logged = await emptyDatabase();
    await migrate(logged);
    await onDatabase(logged, (client) =>
      client.query(
        "INSERT INTO rowmill.request_log SELECT (entry).* FROM (SELECT $1::rowmill.request_log AS entry) AS one",
        [expected[0]?.entry],
      ),
    );
    await expect(restore(logged, path)).rejects.toThrow(
      "the database is not empty: the table request_log has rows",
    );
  });

  test("a backup shows one moment of all tables while uploads and workers write", async () => {
    const { ctx } = rowmill;
    await rowmill.startWorker();
    const user = await rowmill.newUser();
    let isDone = false;
    const writing = (async () => {
      while (!isDone) await user.upload(csv(400, 20), "/api/v1/batches?target=books&mode=append&force=true");
    })();
    for (let at = 0; at < 3; at++) {
      const before = await count(ctx.pool, "SELECT count(*) FROM rowmill.row_results");
      await until(
        "workers write",
        async () => (await count(ctx.pool, "SELECT count(*) FROM rowmill.row_results")) > before,
      );
      const { path } = await backUp(ctx);
      const rows = tablesOf(path);
      const results = rows("row_results");
      expect(results.length).toBeGreaterThan(before);
      const chunks = rows("chunks");
      const sum = (name: string) => chunks.reduce((total, chunk) => total + Number(chunk[name]), 0);
      expect(sum("succeeded") + sum("failed")).toBe(results.length);
      expect(rows("books")).toHaveLength(sum("succeeded"));
      const accepted = rows("batches").filter(({ state }) => state !== "receiving");
      const acceptedRows = rows("batch_rows").filter(({ batch_id }) =>
        accepted.some(({ id }) => id === batch_id),
      );
      expect(acceptedRows).toHaveLength(
        accepted.reduce((total, batch) => total + Number(batch.total_rows), 0),
      );
    }
    isDone = true;
    await writing;
  });
});

/** Reads the rows of a backup by table. */
function tablesOf(path: string): (table: string) => Record<string, unknown>[] {
  const tables = new Map<string, Record<string, unknown>[]>();
  let open: Record<string, unknown>[] = [];
  for (const line of linesOf(path).map((text) => JSON.parse(text))) {
    if (!Array.isArray(line)) open.push(line);
    else if (line[0] === "table") {
      open = [];
      tables.set(line[1].name, open);
    }
  }
  return (table) => tables.get(table) ?? [];
}

describe("who may, and when", () => {
  const rowmill = useRowmill();
  const admin = useAdmin(rowmill);
  const operator = useAdmin(rowmill, "operator", "operator");
  const user = useUser(rowmill);

  test("only admins use the routes and the task type, and no API token downloads", async () => {
    const { body: token } = await admin.post<{ token: string }>("/api/v1/auth/tokens", { name: "ci" });
    const { id } = await backUp(rowmill.ctx);
    for (const other of [user, operator]) {
      expect((await other.get(BACKUPS)).status).toBe(403);
      expect((await other.post(BACKUPS, {})).status).toBe(403);
      expect((await content(other, id)).status).toBe(403);
      const task = await other.post<Problem>("/api/v1/tasks", { type: "backup_database" });
      expect([task.status, task.body.detail]).toEqual([
        403,
        "type: Only administrators can create or retry tasks of type backup_database.",
      ]);
      expect((await other.get("/api/v1/task-types/backup_database")).status).toBe(404);
    }
    expect((await admin.get("/api/v1/task-types/backup_database")).body).toMatchObject({ role: "admin" });
    const answer = await admin.download(`${BACKUPS}/${id}/content`, {
      authorization: `Bearer ${token.token}`,
    });
    expect(answer.status).toBe(403);
  });

  test("an operator retries no task of a type for admins, and an admin does", async () => {
    const { ctx } = rowmill;
    const { id } = await makeTask(admin, { type: "backup_database", params: {} });
    await admin.post(`/api/v1/tasks/${id}/cancel`);
    const filter = { type: "backup_database" };
    const counted = await operator.post<{ matched: number }>("/api/v1/admin/tasks/retry", { filter });
    expect(counted.body.matched).toBe(0);
    const allowed = await admin.post<{ matched: number }>("/api/v1/admin/tasks/retry", { filter });
    expect(allowed.body.matched).toBe(1);
    const retry = (within: Context) => retryTask(within, admin.userId, id, { force: false });
    await expect(retry(asUser(ctx, admin.userId))).rejects.toThrow("Only administrators can create or retry");
    await ctx.pool.query("UPDATE rowmill.users SET role = 'user' WHERE id = $1", [admin.userId]);
    await expect(retry(ctx)).rejects.toThrow("Only administrators can create or retry");
    await ctx.pool.query("UPDATE rowmill.users SET role = 'admin' WHERE id = $1", [admin.userId]);
    expect((await retry(ctx)).status).toBe("pending");
    await admin.delete(`/api/v1/tasks/${id}`);
  });

  test("a second backup is refused while one is queued or running", async () => {
    const { ctx } = rowmill;
    const { body: queued } = await admin.post<BackupView>(BACKUPS, {});
    const second = await admin.post<Problem>(BACKUPS, {});
    expect([second.status, second.body.detail]).toEqual([
      409,
      "Another backup is queued or running. Wait until it ends.",
    ]);
    await expect(backUp(ctx)).rejects.toThrow("Another backup is queued or running");
    const early = await content(admin, queued.id);
    expect([early.status, early.body.toString()]).toEqual([
      409,
      expect.stringContaining("The backup is queued."),
    ]);
    await using running = await Snapshot.open(ctx.config, new AbortController().signal, silent);
    await startBackup(ctx, { id: queued.id, userId: admin.userId });
    await expect(backUp(ctx)).rejects.toThrow("Another backup is running. Wait until it ends.");
    // A backup that is running has a process.
    await ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'backup.run'");
    expect(await reconcileBackups(ctx)).toBe(0);
    await running[Symbol.asyncDispose]();
    expect(await reconcileBackups(ctx)).toBe(1);
    expect((await untilBackup(admin, queued.id)).error).toBe(
      "The process that wrote the backup ended before the backup was complete.",
    );
  });

  test("a lost job of a queued backup is created again", async () => {
    const { ctx } = rowmill;
    const { body: queued } = await admin.post<BackupView>(BACKUPS, {});
    await ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'backup.run'");
    expect(await reconcileBackups(ctx)).toBe(1);
    expect(await reconcileBackups(ctx)).toBe(0);
    const delivery = { id: queued.id, payload: {}, attempt: 1, signal: new AbortController().signal };
    await handlers.runBackup(ctx, { payload: { backupId: queued.id }, delivery, tx: null });
    expect(await untilBackup(admin, queued.id)).toMatchObject({ state: "completed" });
  });
});

test("a scheduled backup is announced to all admins, and is skipped while another one is queued", async () => {
  await using rowmill = await startRowmill({ DATA_DIR: newFolder(), BACKUP_CRON: "0 2 * * *" });
  const admin = await newAdmin(rowmill);
  const { ctx } = rowmill;
  const schedules = async () =>
    (await ctx.pool.query("SELECT cron, is_enabled FROM rowmill.schedules WHERE builtin = 'backup.run'"))
      .rows;
  await rowmill.startWorker();
  expect(await schedules()).toEqual([{ cron: "0 2 * * *", is_enabled: true }]);
  await rowmill.startWorker({ BACKUP_CRON: "" });
  expect(await schedules()).toEqual([{ cron: "0 2 * * *", is_enabled: false }]);

  const delivery = { id: randomUUID(), payload: {}, attempt: 1, signal: new AbortController().signal };
  const run = (payload: { backupId?: string; tickAt?: string }) =>
    handlers.runBackup(ctx, { payload, delivery, tx: null });
  const backups = async () =>
    (await ctx.pool.query("SELECT user_id, state FROM rowmill.backups ORDER BY id")).rows;
  const tickAt = ctx.now();
  const { backupId } = (await run({ tickAt: tickAt.toISOString() })) as { backupId: string };
  await until("the backup is complete", async () =>
    (await backups()).every(({ state }) => state === "completed"),
  );
  expect(await backups()).toEqual([{ user_id: null, state: "completed" }]);
  const { rows: announced } = await ctx.pool.query("SELECT kind, user_id FROM rowmill.notifications");
  expect(announced).toEqual([{ kind: "backup.completed", user_id: String(admin.userId) }]);
  // A job that is delivered again finds its backup complete.
  expect(await run({ backupId })).toBeUndefined();

  // The tick of a job that is delivered again, and of one that an older version has enqueued, has had its backup.
  expect(await run({ tickAt: tickAt.toISOString() })).toBeUndefined();
  expect(await run({})).toBeUndefined();
  expect(await backups()).toHaveLength(1);

  await using _ = await Snapshot.open(ctx.config, new AbortController().signal, silent);
  const next = { tickAt: ctx.now().toISOString() };
  const waiting = (await run(next)) as { backupId: string };
  expect(await run({ tickAt: new Date(ctx.now().getTime() + 60_000).toISOString() })).toBeUndefined();
  expect(await run(waiting)).toBeInstanceOf(Later);
});

describe("a backup that fails", () => {
  test("leaves no file, keeps earlier backups, and tells each admin once", async () => {
    const folder = newFolder();
    await using rowmill = await startRowmill({ DATA_DIR: `${folder}/file` });
    const { ctx } = rowmill;
    const admin = await newAdmin(rowmill);
    const other = await newAdmin(rowmill, "other-admin");
    await rowmill.startWorker();
    writeFileSync(`${folder}/file`, "a file where a folder is needed");
    const { body } = await admin.post<BackupView>(BACKUPS, {});
    expect(await untilBackup(admin, body.id)).toMatchObject({
      state: "failed",
      bytes: null,
      error: `The backup cannot be written to ${folder}/file/backups. A part of its path is a file. Earlier backups are unchanged.`,
    });
    const { rows } = await ctx.pool.query("SELECT user_id, kind FROM rowmill.notifications");
    const told = [admin, other].map(({ userId }) => ({ user_id: String(userId), kind: "backup.failed" }));
    expect(rows).toHaveLength(2);
    expect(rows).toEqual(expect.arrayContaining(told));
    const task = await untilEnded(admin, (await makeTask(admin, { type: "backup_database", params: {} })).id);
    expect(task).toMatchObject({ status: "failed", error_code: "backup_failed", retry_count: 0 });
  });

  test("a backup at its time limit, or one that is stopped, ends at once and removes what it wrote", async () => {
    await using rowmill = await startRowmill();
    const folder = newFolder();
    const stop = new AbortController();
    const held = await rowmill.ctx.pool.connect();
    await held.query("BEGIN; LOCK TABLE rowmill.records IN ACCESS EXCLUSIVE MODE");
    const running = backUp(rowmill.ctx, { folder, signal: stop.signal });
    await until("the backup waits", async () =>
      readdirSync(folder).some((name) => name.endsWith(".partial")),
    );
    stop.abort();
    await expect(running).rejects.toThrow("The backup was stopped.");
    const config = { ...rowmill.ctx.config, backupMaxSeconds: 0.5 };
    await expect(backUp({ ...rowmill.ctx, config }, { folder })).rejects.toThrow(
      "The backup took longer than the limit of 0.5 s (BACKUP_MAX_SECONDS).",
    );
    await held.query("ROLLBACK");
    held.release();
    expect(readdirSync(folder)).toEqual([]);
    expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.backups WHERE state = 'failed'")).toBe(
      2,
    );
    await backUp(rowmill.ctx, { folder });
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test("what a killed process left is removed by the next backup", async () => {
    await using rowmill = await startRowmill();
    const { ctx } = rowmill;
    const folder = newFolder();
    const [dead, other] = [randomUUID(), randomUUID()];
    const partial = (id: string) => `rowmill-20261126T000000000Z-${id}.jsonl.gz.partial`;
    await startBackup(ctx, { id: dead, userId: null });
    for (const id of [dead, other]) writeFileSync(`${folder}/${partial(id)}`, "half");
    const { path } = await backUp(ctx, { folder });
    expect(readdirSync(folder).sort()).toEqual([partial(other), path.split("/").at(-1)].sort());
    const { rows } = await ctx.pool.query("SELECT state, error FROM rowmill.backups WHERE id = $1", [dead]);
    expect(rows).toEqual([
      { state: "failed", error: "The process that wrote the backup ended before the backup was complete." },
    ]);
    await expect(restore(await emptyDatabase(), `${folder}/${partial(other)}`)).rejects.toThrow("truncated");
  });
});

test("a task of an admin backs up, and reports the tables", async () => {
  await using rowmill = await startRowmill({ DATA_DIR: newFolder() });
  const admin = await newAdmin(rowmill);
  await rowmill.startWorker();
  const task = await untilEnded(admin, (await makeTask(admin, { type: "backup_database", params: {} })).id);
  expect(task.status).toBe("completed");
  const id = String(task.result?.backup_id);
  const { body: backup } = await admin.get<BackupView>(`${BACKUPS}/${id}`);
  expect(backup).toMatchObject({ state: "completed", user_id: admin.userId, bytes: task.result?.bytes });
  expect(task.result?.message).toMatch(/^Backed up \d+ rows of \d+ tables\.$/);
});
