/** Both programs and the migration through PgBouncer in transaction mode, where no two transactions share a session. */
import { describe, expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { csv } from "../support/book-files.ts";
import { emptyDatabase, loadOldVersion, migrate, problemsOf } from "../support/databases.ts";
import { EventClient } from "../support/events.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { pgbouncer, startPgBouncer, whyNoPgBouncer } from "../support/pgbouncer.ts";
import { startPrograms } from "../support/processes.ts";
import { history, makeTask, untilEnded, untilTask } from "../support/task-client.ts";

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
    await events.saw("that the batch has ended", ({ data }) => data.finished_at !== null, 60_000);
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
    await using bouncer = await startPgBouncer(database);
    await Promise.all([migrate(bouncer.url), migrate(bouncer.url), migrate(bouncer.url)]);
    await using rowmill = await startPrograms({}, bouncer.url);
    const api = await rowmill.startApi();
    const reader = await api.client.logIn("reader", "a long password");
    const { body } = await reader.get<{ items: unknown[] }>("/api/v1/tasks");
    expect(body.items).toHaveLength(5);
  });
});
