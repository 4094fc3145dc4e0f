import { expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { startPrograms } from "../support/processes.ts";
import { MEASURED, Stopwatch, timed } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

const LARGE = csv(100_000);

async function secondsFor(user: Client, content: string): Promise<number> {
  using watch = new Stopwatch();
  const { body } = await user.upload(content);
  const batch = await user.finished(body.id);
  expect(batch.state).toBe("completed");
  return watch.ms / 1000;
}

test(
  "three rows uploaded behind 100,000 queued rows finish within three seconds, for one user or two",
  MEASURED,
  async () => {
    await using rowmill = await startPrograms();
    const api = await rowmill.startApi();
    const [busy, other] = [await api.client.signUp("busy"), await api.client.signUp("other")];
    const { body: large } = await busy.upload<BatchView>(
      LARGE,
      "/api/v1/batches?target=books&row_delay_ms=1500",
    );
    await rowmill.startWorker();
    await until("the large one is being processed", async () => {
      const { body } = await busy.batch(large.id);
      return body.counts.processing > 0;
    });
    const seconds = [
      await secondsFor(other, "title,author\nEmma,Austen\nUlysses,Joyce\nPersuasion,Austen\n"),
      await secondsFor(busy, "title,author\nDracula,Stoker\nMiddlemarch,Eliot\nWalden,Thoreau\n"),
    ];
    expect((await busy.batch(large.id)).body).toMatchObject({ state: "processing", finished_at: null });
    expect(Math.max(...seconds)).toBeLessThan(3);
  },
);

const SMALL = "title,author\nEmma,Austen\nUlysses,Joyce\nPersuasion,Austen\n";

/** The most that a user can ask for: delays of a minute, tasks of a minute, and as many rows as fit into a second. */
async function occupy(user: Client): Promise<void> {
  await user.upload(csv(1000), "/api/v1/batches?target=books&row_delay_ms=60000");
  const tasks = Array.from({ length: 20 }, () => ({ type: "generic", params: { seconds: 60 } }));
  await user.post("/api/v1/tasks/bulk", { tasks });
  await user.upload(csv(10_000), "/api/v1/batches?target=books&row_delay_ms=0&mode=append");
}

/** Reads one list after another until the median is asked for. */
function timeReads(user: Client) {
  let isEnough = false;
  const times: number[] = [];
  const reading = (async () => {
    while (!isEnough || times.length < 30) {
      for (const path of ["/api/v1/batches", "/api/v1/books/", "/api/v1/tasks"]) {
        const { result, ms } = await timed(() => user.get(path));
        expect(result.status).toBe(200);
        times.push(ms);
      }
    }
  })();
  return {
    async medianMs() {
      isEnough = true;
      await reading;
      return times.toSorted((a, b) => a - b)[times.length >> 1];
    },
  };
}

test(
  "beside ten users with heavy work, three rows and a task of another user end within five seconds and reads stay fast",
  MEASURED,
  async () => {
    await using rowmill = await startPrograms();
    const api = await rowmill.startApi();
    const other = await api.client.signUp("other");
    await rowmill.startWorker();
    for (let user = 1; user <= 10; user++) await occupy(await api.client.signUp(`heavy-${user}`));
    const reads = timeReads(other);
    const seconds = await secondsFor(other, SMALL);
    using watch = new Stopwatch();
    const { body: task } = await other.post<TaskView>("/api/v1/tasks", {
      type: "generic",
      params: { seconds: 0 },
    });
    await until("the task is completed", async () => {
      const { body } = await other.get<TaskView>(`/api/v1/tasks/${task.id}`);
      return body.status === "completed";
    });
    expect(seconds).toBeLessThan(5);
    expect(watch.ms / 1000).toBeLessThan(5);
    expect(await reads.medianMs()).toBeLessThan(1000);
  },
);

test("delays and simulated tasks hold no connection and no transaction", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi();
  const user = await api.client.signUp("heavy");
  const worker = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(75), "/api/v1/batches?target=books&row_delay_ms=600000");
  const { body: task } = await user.post<TaskView>("/api/v1/tasks", {
    type: "generic",
    params: { seconds: 3600 },
  });
  await until("both are being processed", async () => {
    const { status } = (await user.get<TaskView>(`/api/v1/tasks/${task.id}`)).body;
    return (await user.batch(batch.id)).body.counts.processing === 75 && status === "processing";
  });
  await until("no job is active", async () => {
    const { rows } = await rowmill.ctx.pool.query<{ jobs: number; open: number }>(
      `SELECT (SELECT count(*)::int FROM rowmill_queue.job WHERE state = 'active') AS jobs,
        (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%') AS open`,
    );
    return rows[0]?.jobs === 0 && rows[0].open === 0;
  });
  // Nothing runs that a stop would have to wait for.
  expect((await worker.stop()).code).toBe(0);
});
