import { expect, test } from "vitest";
import { csv } from "../support/book-files.ts";
import type { Client, Problem } from "../support/client.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { ownServer } from "../support/own-server.ts";
import { startPrograms } from "../support/processes.ts";
import { timed } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

/** Ten seconds for a slot, READ_TIMEOUT_SECONDS, two seconds for the answer, and time for a busy machine. */
const READ_LIMIT_MS = 26_000;

async function read(client: Client, path: string) {
  const { result, ms } = await timed(() => client.get<Problem>(path));
  return { status: result.status, body: result.body, ms };
}

test("while PostgreSQL is frozen for 30 seconds, reads answer in time, and afterwards everything goes on", async () => {
  await using server = await ownServer();
  await using rowmill = await startPrograms({}, server.url);
  const api = await rowmill.startApi({ ROW_DELAY_MS: "200" });
  const worker = await rowmill.startWorker();
  const user = await api.client.signUp("reader");
  const { body: batch } = await user.upload(csv(950, 50));
  await until("a row has succeeded", async () => (await user.batch(batch.id)).body.counts.success > 0);

  server.signalAll("SIGSTOP");
  const frozenAt = performance.now();
  try {
    const paths = [
      "/api/v1/books",
      "/api/v1/tasks?search=x",
      `/api/v1/batches/${batch.id}`,
      "/api/v1/tasks/stats",
    ];
    const reads = Array.from({ length: 24 }, (_, n) => read(user, paths[n % paths.length] ?? ""));
    const ready = await read(user, "/readyz");
    expect([ready.status, ready.body.code]).toEqual([503, "unavailable"]);
    expect(ready.ms).toBeLessThan(6000);
    const live = await read(user, "/livez");
    expect(live.status).toBe(200);
    expect(live.ms).toBeLessThan(3000);
    for (const { status, body, ms } of await Promise.all(reads)) {
      expect([429, 503]).toContain(status);
      expect(["unavailable", "too_many_requests"]).toContain(body.code);
      expect(ms).toBeLessThan(READ_LIMIT_MS);
    }
    await until("30 seconds have passed", async () => performance.now() - frozenAt > 30_000);
    expect((await read(user, "/livez")).status).toBe(200);
  } finally {
    server.signalAll("SIGCONT");
  }
  await until("the API is ready", async () => (await user.get("/readyz")).status === 200);
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 950, bad: 50 });
  expect([api.program.hasEnded, worker.hasEnded]).toEqual([false, false]);
});
