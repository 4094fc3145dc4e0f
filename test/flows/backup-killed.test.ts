import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import type { viewBackup } from "../../src/backups/views.ts";
import { newAdmin } from "../support/admin.ts";
import { newFolder, read, restore } from "../support/backups.ts";
import { emptyDatabase } from "../support/databases.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { Program } from "../support/processes.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";

const BACKUPS = "/api/v1/admin/backups";

test("a killed worker leaves no complete backup, and another worker writes it again", async () => {
  const folder = newFolder();
  await using rowmill = await startRowmill({ DATA_DIR: folder });
  const { ctx, config } = rowmill;
  const admin = await newAdmin(rowmill);
  await using worker = await Program.start("worker", config.databaseUrl, { DATA_DIR: folder });
  // The order of the tables is that of their names: most of the backup is written when it waits for this table.
  const held = await ctx.pool.connect();
  await held.query("BEGIN; LOCK TABLE rowmill.task_events IN ACCESS EXCLUSIVE MODE");
  const { body: queued } = await admin.post<ReturnType<typeof viewBackup>>(BACKUPS, {});
  const names = () => readdirSync(`${folder}/backups`);
  const { rows: waiting } = await until("the backup waits", async () => {
    const found = await ctx.pool.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowmill-backup' AND wait_event_type = 'Lock'",
    );
    return found.rowCount ? found : null;
  });
  await worker.kill();
  await missHeartbeats(ctx);
  const [partial = "", ...others] = names();
  expect(others).toEqual([]);
  expect(partial).toMatch(/\.jsonl\.gz\.partial$/);
  await expect(restore(await emptyDatabase(), `${folder}/backups/${partial}`)).rejects.toThrow("truncated");
  // PostgreSQL executes the statement of a killed program that waits for a lock.
  await ctx.pool.query("SELECT pg_terminate_backend($1)", [waiting[0]?.pid]);
  await held.query("ROLLBACK");
  held.release();

  await rowmill.startWorker();
  const backup = await until(
    "the backup is complete",
    async () => {
      const { body } = await admin.get<ReturnType<typeof viewBackup>>(`${BACKUPS}/${queued.id}`);
      return body.finished_at === null ? null : body;
    },
    60_000,
  );
  expect(backup).toMatchObject({ state: "completed", error: null });
  expect(names()).toEqual([partial.replace(".partial", "")]);
  await read(`${folder}/backups/${names()[0]}`);
  const { rows } = await ctx.pool.query("SELECT kind FROM rowmill.notifications");
  expect(rows).toEqual([{ kind: "backup.completed" }]);
});
