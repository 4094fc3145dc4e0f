/** The arithmetic of connections in docs/operations/scaling.md. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { csv } from "../support/book-files.ts";
import { onDatabase } from "../support/databases.ts";
import { startPrograms } from "../support/processes.ts";

const DATABASE_POOL_MAX = 16;

test("an API and a worker open DATABASE_POOL_MAX connections each and one to listen, whatever they do at once", async () => {
  await using rowmill = await startPrograms();
  await onDatabase(rowmill.ctx.config.databaseUrl, async (observer) => {
    const count = async () => {
      const { rows } = await observer.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'rowmill%'",
      );
      return rows[0]?.count ?? 0;
    };
    const ofTest = await count();
    const settings = { DATABASE_POOL_MAX: String(DATABASE_POOL_MAX) };
    const api = await rowmill.startApi(settings);
    await rowmill.startWorker(settings);
    const user = await api.client.signUp("reader");
    const tasks = Array.from({ length: 500 }, () => ({ type: "generic", params: { seconds: 0.05 } }));
    expect((await user.post("/api/v1/tasks/bulk", { tasks })).status).toBe(201);
    const uploads = await Promise.all([1, 2, 3].map((n) => user.upload(csv(5000 + n))));
    const finished = Promise.all(uploads.map(({ body }) => user.finished(body.id)));
    let isOver = false;
    void finished.finally(() => {
      isOver = true;
    });
    let most = 0;
    while (!isOver) {
      await Promise.all(Array.from({ length: 30 }, () => user.get("/api/v1/tasks?limit=10")));
      most = Math.max(most, (await count()) - ofTest);
      await sleep(20);
    }
    await finished;
    expect(most).toBeGreaterThan(DATABASE_POOL_MAX);
    expect(most).toBeLessThanOrEqual(2 * (DATABASE_POOL_MAX + 1));
  });
});
