import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, writeFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { describe, expect, test } from "vitest";
import { excludedTables } from "../../src/backups/catalogue.ts";
import { Snapshot } from "../../src/backups/snapshot.ts";
import { writeLines } from "../../src/backups/write-lines.ts";
import { reconcile } from "../../src/batches/upkeep/reconcile.ts";
import { runDueTicks } from "../../src/schedules/run/run-due-ticks.ts";
import type { TickView } from "../../src/schedules/views.ts";
import { reconcileTasks } from "../../src/tasks/upkeep/reconcile-tasks.ts";
import { newAdmin } from "../support/admin.ts";
import {
  backedUpContents,
  backUp,
  configOf,
  linesOf,
  newFolder,
  restore,
  silent,
  zipped,
} from "../support/backups.ts";
import { deliverChunk } from "../support/batches.ts";
import { csv, titled } from "../support/book-files.ts";
import { definitionsOf, emptyDatabase, migrate, onDatabase, problemsOf } from "../support/databases.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { addTask, getContent, later, storedFile } from "../support/files.ts";
import { closeGate } from "../support/gate.ts";
import { atEnd, createDatabase, startRowmill } from "../support/rowmill.ts";
import { makeTask, untilEnded } from "../support/task-client.ts";
import { until } from "../support/until.ts";
import { makeWorkflow, quick, runWorkflow, untilWorkflowEnds } from "../support/workflows.ts";

/** Longer than a chunk of a stored file. */
const BYTES = Buffer.alloc(2_500_000, '\0\x01\xff"\\\n');
/** A cell of about 0.9 MB with characters that formats escape. */
const LONG = 'ünïcode ""quoted"" \\ '.repeat(45_000);

interface Scheduled {
  readonly id: string;
  readonly next_run_at: string;
}

test("a restored database has the same rows, lets users log in, and continues what was running", async () => {
  await using original = await startRowmill();
  const { ctx } = original;
  const user = await original.client.signUp("ada", "correct horse");
  const operator = await newAdmin(original, "grace");
  const file = await storedFile(user, BYTES, { path: "/in/data.bin" });
  await original.startWorker();
  const { body: finished } = await user.upload(csv(40, 3));
  await user.finished(finished.id);
  const row = Array.from({ length: 3 }, () => `"${LONG}"`).join();
  const { body: long } = await user.upload(`a,b,c\n${row}\n`, "/api/v1/batches?target=records", "long.csv");
  expect((await user.finished(long.id)).state).toBe("completed");
  const completed = await untilEnded(
    user,
    (await makeTask(user, { title: "Done", metadata: { b: 1, a: [null] } })).id,
  );
  const work = { task: { type: "generic", params: { seconds: 0 } }, cron: "0 * * * *" };
  const schedules = await Promise.all(
    (["skip", "once"] as const).map((missed) =>
      user.post<Scheduled>("/api/v1/schedules", { ...work, missed, name: missed }),
    ),
  );
  const [skips, catchesUp] = schedules.map(({ body }) => body);
  await user.post(`/api/v1/schedules/${skips?.id}/run`);
  await runWorkflow(user, { chain: [quick(), quick()] });
  expect((await operator.put("/api/v1/admin/task-limits/generic", { concurrent: 0 })).status).toBe(200);
  const workflow = await makeWorkflow(user, { chain: [quick(), quick()] });
  await until("its first step waits for the limit", async () => {
    const { rowCount } = await ctx.pool.query("SELECT FROM rowmill.limit_waits");
    return rowCount === 1;
  });
  const seen = {
    batch: (await user.batch(finished.id)).body,
    rows: await user.rows(finished.id),
    books: (await user.get("/api/v1/books?limit=1000")).body,
    tasks: (await user.get(`/api/v1/tasks/${completed.id}`)).body,
    history: (await user.get(`/api/v1/tasks/${completed.id}/history`)).body,
    files: (await user.get("/api/v1/files")).body,
  };
  await using gate = await closeGate(ctx);
  const { body: running } = await operator.upload(titled(30, { 5: "gate" }));
  await gate.reached();
  const task = await addTask(original, user.userId, "processing");
  // The worker cannot finish while the gate is closed, so nothing changes before the backup.
  const expected = await backedUpContents(ctx.config.databaseUrl);
  const { path, rows } = await backUp(ctx);
  expect(Object.keys(rows ?? {}).sort()).toEqual(Object.keys(expected).sort());

  const { url } = await migratedDatabase();
  const { manifest } = await restore(url, path);
  expect(Object.fromEntries(manifest.tables.map(({ name, rows }) => [name, rows]))).toEqual(rows);
  expect(await backedUpContents(url)).toEqual(expected);
  expect(await definitionsOf(url, ["rowmill"])).toEqual(
    (await definitionsOf(ctx.config.databaseUrl, ["rowmill"])).filter((line) => !/gate_/.test(line)),
  );
  const isRecorded = "action = 'backup.restored' AND actor_name = 'command line'";
  const found = await onDatabase(url, (client) =>
    client.query(`SELECT FROM rowmill.audit_log WHERE ${isRecorded}`),
  );
  expect(found.rowCount).toBe(1);
  await gate.open();

  await using restored = await startRowmill({ GENERIC_TASK_SECONDS: "0" }, url);
  const again = await restored.client.logIn("ada", "correct horse");
  expect({
    batch: (await again.batch(finished.id)).body,
    rows: await again.rows(finished.id),
    books: (await again.get("/api/v1/books?limit=1000")).body,
    tasks: (await again.get(`/api/v1/tasks/${completed.id}`)).body,
    history: (await again.get(`/api/v1/tasks/${completed.id}/history`)).body,
    files: (await again.get("/api/v1/files")).body,
  }).toEqual(seen);
  const { body: bytes } = await getContent(again, file.id);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(file.sha256);
  // The session of the original continues as well.
  expect(
    (
      await restored.client
        .as({ access: user.token, refresh: "", user: { id: user.userId } })
        .get("/api/v1/books")
    ).status,
  ).toBe(200);

  const due = new Date(skips?.next_run_at ?? "");
  await runDueTicks({ ...restored.ctx, now: () => new Date(due.getTime() + 2.5 * 3_600_000) });
  const ticksOf = async (schedule?: Scheduled) => {
    const { body } = await again.get<{ items: TickView[] }>(`/api/v1/schedules/${schedule?.id}/ticks`);
    return body.items.filter(({ is_manual }) => !is_manual).map((tick) => [tick.state, tick.missed_count]);
  };
  expect(await ticksOf(skips)).toEqual([["skipped", 3]]);
  expect(await ticksOf(catchesUp)).toEqual([
    ["created", null],
    ["skipped", 2],
  ]);

  await restored.startWorker();
  const owner = await restored.client.logIn("grace", "correct horse");
  expect((await owner.delete("/api/v1/admin/task-limits/generic")).status).toBe(204);
  await reconcile(later(restored, 60));
  await reconcileTasks(later(restored, 60));
  expect((await untilEnded(again, task)).status).toBe("completed");
  expect(await untilWorkflowEnds(again, workflow.id)).toMatchObject({ state: "completed" });
  await owner.finished(running.id);
  await expectExactlyOnce(restored.ctx.pool, running.id, { good: 30, bad: 0 });
  // New rows get new numbers.
  const { body: more } = await again.upload(csv(5), "/api/v1/batches?target=books&mode=append", "more.csv");
  expect((await again.finished(more.id)).state).toBe("completed");
});

/** A database without rows, dropped at the end of the test. */
async function migratedDatabase() {
  const database = await createDatabase();
  atEnd(async () => database[Symbol.asyncDispose]());
  return database;
}

const usersIn = (url: string) =>
  onDatabase(url, async (client) => {
    const { rows } = await client.query("SELECT count(*)::int AS users FROM rowmill.users");
    return rows[0].users;
  });

describe("a restore is refused", () => {
  async function smallBackup() {
    await using rowmill = await startRowmill();
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload(csv(3));
    await deliverChunk(rowmill.ctx, batch.id);
    return await backUp(rowmill.ctx);
  }

  test("into a database with rows, or with programs that use it", async () => {
    const { path } = await smallBackup();
    await using other = await startRowmill();
    const { databaseUrl } = other.config;
    await expect(restore(databaseUrl, path)).rejects.toThrow(
      /programs are connected to the database \(rowmill, .*\)\. Stop every API and worker first\./,
    );
    const { url } = await migratedDatabase();
    await restore(url, path);
    await expect(restore(url, path)).rejects.toThrow(
      "DATABASE_URL: the database is not empty: the table audit_log has rows. Restore into a new database.",
    );
    expect(await usersIn(url)).toBe(1);
  });

  test("a restore from a file with other migrations, or into tables of another version, is refused", async () => {
    const { path } = await smallBackup();
    const [header = "", ...rest] = linesOf(path);
    const folder = newFolder();
    const withMigrations = (change: (hashes: string[]) => string[]) => {
      const [kind, content] = JSON.parse(header);
      const changed = { ...content, version: "9.9.9", migrations: change(content.migrations) };
      const lines = [JSON.stringify([kind, changed]), ...rest];
      const digest = createHash("sha256");
      for (const line of lines.slice(0, -1)) if (line.startsWith("[")) digest.update(`${line}\n`);
      const [, manifest] = JSON.parse(lines.at(-1) ?? "");
      lines[lines.length - 1] = JSON.stringify(["manifest", { ...manifest, sha256: digest.digest("hex") }]);
      writeFileSync(`${folder}/changed.jsonl.gz`, zipped(lines));
      return `${folder}/changed.jsonl.gz`;
    };
    const { url } = await migratedDatabase();
    await expect(
      restore(
        url,
        withMigrations((hashes) => [...hashes, "f".repeat(64)]),
      ),
    ).rejects.toThrow(
      /Rowmill 9\.9\.9 made the backup, with tables that Rowmill .* does not know\. Install Rowmill 9\.9\.9/,
    );
    await expect(
      restore(
        url,
        withMigrations((hashes) => hashes.slice(0, -1)),
      ),
    ).rejects.toThrow(
      /the tables have another version than those of the backup.*Restore into a new database/,
    );
    // A migrated database without rows is as good as a new one.
    await restore(url, path);
    expect(await usersIn(url)).toBe(1);
  });

  test("after a failure in the middle, which leaves no row and every foreign key", async () => {
    const { path } = await smallBackup();
    const { url } = await migratedDatabase();
    const before = await definitionsOf(url, ["rowmill"]);
    const lines = linesOf(path).map((line) => line.replace(/^(\{"id":1,"username":")[^"]*/, "$1x"));
    const folder = newFolder();
    writeFileSync(`${folder}/changed.jsonl.gz`, zipped(lines));
    await expect(restore(url, `${folder}/changed.jsonl.gz`)).rejects.toThrow(
      "The rows of users were changed. Nothing was restored.",
    );
    await onDatabase(url, (client) =>
      client.query("ALTER TABLE rowmill.users ADD CONSTRAINT nobody CHECK (username = 'nobody')"),
    );
    await expect(restore(url, path)).rejects.toThrow(/nobody/);
    await onDatabase(url, (client) => client.query("ALTER TABLE rowmill.users DROP CONSTRAINT nobody"));
    expect(await definitionsOf(url, ["rowmill"])).toEqual(before);
    expect(await usersIn(url)).toBe(0);
  });
});

test("a backup of an older version is restored and then migrated", async () => {
  const [old, url] = [await emptyDatabase(), await emptyDatabase()];
  await migrate(old, 4);
  await onDatabase(old, (client) =>
    client.query("INSERT INTO rowmill.users (username, password_hash) VALUES ('ada', '-')"),
  );
  await restore(url, await backUpAs("0.5.0", old, excludedTables(false)));
  expect(await usersIn(url)).toBe(1);
  expect(await problemsOf(url)).toEqual(["No worker is connected. Start one: npm run worker"]);
});

test("a backup of an older version may have the newer tables beside which it ran", async () => {
  const { url: old } = await migratedDatabase();
  await onDatabase(old, (client) =>
    client.query("INSERT INTO rowmill.statistics (minute, workers_alive, workers_busy) VALUES (now(), 1, 0)"),
  );
  const { url } = await migratedDatabase();
  const excluded = excludedTables(false).filter((name) => !name.endsWith("statistics"));
  await restore(url, await backUpAs("0.7.0", old, excluded));
  await onDatabase(url, async (client) => {
    expect((await client.query("SELECT FROM rowmill.statistics")).rowCount).toBe(1);
  });
});

async function backUpAs(version: string, url: string, excluded: readonly string[]): Promise<string> {
  const path = `${newFolder()}/old.jsonl.gz`;
  await using snapshot = await Snapshot.open(configOf(url), new AbortController().signal, silent);
  const facts = { version, id: randomUUID(), created_at: new Date().toISOString() };
  await pipeline(
    writeLines(snapshot, excluded, facts, () => {}),
    createGzip(),
    createWriteStream(path),
  );
  return path;
}
