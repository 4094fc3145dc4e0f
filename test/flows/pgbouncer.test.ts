/** Both programs and the migration through PgBouncer in transaction mode, where no two transactions share a session. */
import { describe, expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import type { WorkerView } from "../../src/queues/workers/views.ts";
import { adminOf } from "../support/admin.ts";
import { csv } from "../support/book-files.ts";
import { emptyDatabase, loadOldVersion, migrate, onDatabase, problemsOf } from "../support/databases.ts";
import { EventClient } from "../support/events.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { pgbouncer, startPgBouncer, whyNoPgBouncer } from "../support/pgbouncer.ts";
import { startPrograms } from "../support/processes.ts";
import { history, makeTask, untilEnded, untilTask } from "../support/task-client.ts";
import { until } from "../support/until.ts";
import {
  failing,
  failTasks,
  makeWorkflow,
  quick,
  runWorkflow,
  stopFailing,
  untilWorkflow,
  untilWorkflowEnds,
} from "../support/workflows.ts";

/** The number of migrations of version 0.9.0, whose tables may be large. */
const RELEASED = 9;

describe.skipIf(pgbouncer === null)(`through PgBouncer (${pgbouncer ?? whyNoPgBouncer})`, () => {
  test("uploads, events, tasks, cancels and undo work through PgBouncer with two APIs and two workers", async () => {
    const database = await emptyDatabase();
    await using bouncer = await startPgBouncer(database);
    await migrate(bouncer.url);
    await using rowmill = await startPrograms({}, bouncer.url);
    const [api, other] = [await rowmill.startApi(), await rowmill.startApi()];
    const workers = [await rowmill.startWorker(), await rowmill.startWorker()];
    const user = await api.client.signUp("reader");
    const { body: batch } = await user.upload(csv(950, 50));
    const events = await EventClient.open<BatchView>(`${other.url}/api/v1/batches/${batch.id}/events`, {
      authorization: `Bearer ${user.token}`,
    });
    await events.saw("that the batch has ended", ({ data }) => data.finished_at !== null);
    await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 950, bad: 50 });
    const task = await makeTask(user, { params: { seconds: 0 } });
    expect((await untilEnded(user, task.id)).status).toBe("completed");
    expect(await history(user, task.id)).toEqual(["created", "queued", "started", "completed"]);
    const long = await makeTask(user, { params: { seconds: 60 } });
    await untilTask(user, long.id, "runs", ({ status }) => status === "processing");
    expect((await other.clientOf(user).post(`/api/v1/tasks/${long.id}/cancel`)).status).toBe(200);
    expect((await untilEnded(user, long.id)).status).toBe("cancelled");
    expect((await user.post(`/api/v1/batches/${batch.id}/undo`)).status).toBe(200);
    await user.finished(batch.id);
    for (const program of [api.program, other.program, ...workers]) {
      expect(program.lines("the queue met an error and goes on")).toEqual([]);
      expect(program.output).not.toContain("prepared statement");
    }
  });

  test("schedules, workflows, limits, live events and shutdowns work through PgBouncer", async () => {
    const database = await emptyDatabase();
    await using bouncer = await startPgBouncer(database);
    await migrate(bouncer.url);
    await using rowmill = await startPrograms({}, bouncer.url);
    const { ctx } = rowmill;
    const api = await rowmill.startApi();
    const port = await freePort();
    const stays = await rowmill.startWorker({ WORKER_PORT: String(port) });
    const stops = await rowmill.startWorker();
    const admin = await adminOf(rowmill, api);
    const user = await api.client.signUp("reader");
    const live = await EventClient.open<{ event: string; id: string }>(`${api.url}/api/v1/admin/events`, {
      authorization: `Bearer ${admin.token}`,
    });
    await until("the feed begins", async () => live.comments.includes("watching"));

    const work = { type: "generic", params: { seconds: 0 } };
    const schedule = await user.post<{ id: string }>("/api/v1/schedules", {
      ...{ name: "one", cron: "0 0 1 1 *", task: work },
    });
    await ctx.pool.query(
      "UPDATE rowmill.schedules SET next_tick_at = now(), next_run_at = now() + interval '1 s' WHERE id = $1",
      [schedule.body.id],
    );
    const path = `/api/v1/schedules/${schedule.body.id}`;
    expect((await user.patch(path, { description: "Adds the job of the next tick." })).status).toBe(200);
    const tick = await until("the tick has run", async () => {
      const { body } = await user.get<{ items: { state: string; task_id: string }[] }>(`${path}/ticks`);
      return body.items[0] ?? null;
    });
    expect(tick.state).toBe("created");
    await live.saw(
      "that the task of the tick has completed",
      ({ data }) => data.id === tick.task_id && data.event === "completed",
    );

    expect((await admin.put("/api/v1/admin/task-limits/generic", { concurrent: 1 })).status).toBe(200);
    const chord = { group: [quick(), quick(), quick()], callback: quick() };
    expect(await runWorkflow(user, { chord })).toMatchObject({ state: "completed" });
    await failTasks(ctx);
    const failed = await runWorkflow(user, { chain: [failing(), quick()] });
    expect(failed.state).toBe("failed");
    await stopFailing(ctx);
    expect((await user.post(`/api/v1/workflows/${failed.id}/retry`)).status).toBe(200);
    expect(await untilWorkflowEnds(user, failed.id)).toMatchObject({ state: "completed" });
    const long = await makeWorkflow(user, { chain: [quick({ params: { seconds: 60 } })] });
    await untilWorkflow(user, long.id, "runs", ({ steps }) => steps[0]?.state === "running");
    expect((await user.post(`/api/v1/workflows/${long.id}/cancel`)).status).toBe(200);
    expect(await untilWorkflowEnds(user, long.id)).toMatchObject({ state: "cancelled" });

    const { body: listed } = await admin.get<{ items: WorkerView[] }>("/api/v1/admin/workers");
    const [, last] = listed.items;
    expect((await admin.post(`/api/v1/admin/workers/${last?.id}/shutdown`)).status).toBe(202);
    expect(await stops.ended).toEqual({ code: 0, signal: null });
    const { body: audit } = await admin.get<{ items: { action: string }[] }>("/api/v1/admin/audit");
    expect(audit.items.map(({ action }) => action)).toContain("worker.shut_down");
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toMatch(
      /^rowmill_database_connections\{/m,
    );
    for (const program of [api.program, stays, stops])
      expect(program.output).not.toMatch(/^\{"level":[56]0/m);
  });

  test("doctor names the time limits that PgBouncer drops", async () => {
    const database = await emptyDatabase();
    await migrate(database);
    await using bouncer = await startPgBouncer(database);
    const role = new URL(database).username;
    const problem = expect.stringContaining(`ALTER ROLE ${role} SET statement_timeout = '60s';`);
    expect(await problemsOf(bouncer.url)).toContainEqual(problem);
    expect(await problemsOf(database)).not.toContainEqual(problem);
  });

  test("several processes at once migrate an installation of version 0.3.0 through PgBouncer", async () => {
    const database = await emptyDatabase();
    await loadOldVersion(database);
    await limitStatements(database, "60s");
    await using bouncer = await startPgBouncer(database);
    await Promise.all([migrate(bouncer.url), migrate(bouncer.url), migrate(bouncer.url)]);
    await onDatabase(bouncer.url, async (client) => {
      const locks = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()";
      await until("no session keeps a lock", async () => (await client.query(locks)).rowCount === 0);
      const { rows } = await client.query(
        "SELECT count(*)::int AS open FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'",
      );
      for (let session = 0; session < rows[0].open; session++)
        expect((await client.query("SHOW statement_timeout")).rows).toEqual([{ statement_timeout: "1min" }]);
    });
    await using rowmill = await startPrograms({}, bouncer.url);
    const api = await rowmill.startApi();
    const reader = await api.client.logIn("reader", "a long password");
    const { body } = await reader.get<{ items: unknown[] }>("/api/v1/tasks");
    expect(body.items).toHaveLength(5);
  });

  test("an index that takes longer than the role may is refused with what to do, and built by the next migration", async () => {
    const database = await emptyDatabase();
    await migrate(database, RELEASED);
    await limitStatements(database, "1s");
    await using bouncer = await startPgBouncer(database);
    await onDatabase(database, async (writer) => {
      await writer.query("BEGIN");
      await writer.query("INSERT INTO rowmill.books (user_id, title, author) VALUES (1, 'Title', 'Author')");
      await expect(migrate(bouncer.url)).rejects.toThrow(
        /^DATABASE_URL: building the index \w+ took longer than .* Migrate with an address that leads to PostgreSQL itself/,
      );
      await writer.query("COMMIT");
    });
    await migrate(database);
    await onDatabase(database, async (client) => {
      const { rows } = await client.query(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid",
      );
      expect(rows).toEqual([]);
    });
  });
});

/** As an operator limits the role behind a pooler, which drops the limits that Rowmill sets when it connects. */
async function limitStatements(database: string, limit: string): Promise<void> {
  const name = new URL(database).pathname.slice(1);
  await onDatabase(database, (client) =>
    client.query(`ALTER DATABASE ${name} SET statement_timeout = '${limit}'`),
  );
}
