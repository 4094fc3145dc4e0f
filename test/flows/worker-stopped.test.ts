import { expect, inject, test } from "vitest";
import { csv, titled } from "../support/book-files.ts";
import { count } from "../support/count.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { closeGate } from "../support/gate.ts";
import { onServer } from "../support/postgres.ts";
import { type LogLine, type Program, startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const firstRows = (lines: readonly LogLine[]) => lines.map(({ firstRow }) => Number(firstRow)).sort();

/** Messages in the order of the log. */
function messages(program: Program): string[] {
  return [...program.output.matchAll(/"msg":"([^"]+)"/g)].map(([, message = ""]) => message);
}

test("a stopping worker finishes its chunks and takes no new ones", async () => {
  await using rowmill = await startPrograms({ WORKER_CONCURRENCY: "2" });
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await using gate = await closeGate(rowmill.ctx, "settle");
  const stopped = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(190, 10));
  await gate.reached(2);
  stopped.signal("SIGTERM");
  await stopped.logged("closing");
  await gate.open();
  expect(await stopped.ended).toEqual({ code: 0, signal: null });
  expect(stopped.lines("chunk received")).toHaveLength(2);
  // A chunk whose turn of a second is over ends with the rows that it has written.
  const ended = [...stopped.lines("chunk succeeded"), ...stopped.lines("chunk continues later")];
  expect(firstRows(ended)).toEqual(firstRows(stopped.lines("chunk received")));
  const order = messages(stopped);
  expect(order.lastIndexOf("chunk received")).toBeLessThan(order.indexOf("closing"));
  expect(order.at(-1)).toBe("closed");
  const { processing, pending } = (await user.batch(batch.id)).body.counts;
  expect(processing).toBe(0);
  expect(pending).toBeGreaterThanOrEqual(150);
  expect(pending).toBeLessThan(200);

  const other = await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 190, bad: 10 });
  expect(await other.logged("chunk received", 6)).toHaveLength(6);
});

test("a stopping worker returns unfinished chunks, and another takes them at once", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await using gate = await closeGate(rowmill.ctx);
  const stopped = await rowmill.startWorker({ WORKER_STOP_SECONDS: "2" });
  const { body: batch } = await user.upload(titled(50, { 2: "gate 1", 27: "gate 2" }));
  await gate.reached(2);
  expect(await stopped.stop()).toEqual({ code: 0, signal: null });
  expect(stopped.lines("chunk succeeded")).toEqual([]);
  expect(stopped.lines("job stopped: the worker stops, or another worker has taken it")).toHaveLength(2);
  expect(messages(stopped)).not.toContain("job failed");
  const inState =
    "SELECT count(*) FROM rowmill_queue.job WHERE name = 'batch.process-chunk' AND state::text = $1";
  expect(await count(rowmill.ctx.pool, inState, ["retry"])).toBe(2);

  await gate.open();
  const other = await rowmill.startWorker();
  // Jobs of a worker that was lost are taken after 12 seconds.
  await user.finished(batch.id, 10_000);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 50, bad: 0 });
  expect(await other.logged("chunk succeeded", 2)).toHaveLength(2);
});

test("two workers share one batch", async () => {
  await using rowmill = await startPrograms({ WORKER_CONCURRENCY: "2" });
  const api = await rowmill.serveApi({ ROW_DELAY_MS: "200" });
  const user = await api.client.signUp("reader");
  const [one, two] = await Promise.all([rowmill.startWorker(), rowmill.startWorker()]);
  const { body: batch } = await user.upload(csv(950, 50));
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 950, bad: 50 });
  const linesOf = (message: string) => [one, two].map((worker) => worker.lines(message));
  await until("both have logged everything", async () => {
    const [succeeded, announced] = [linesOf("chunk succeeded"), linesOf("batch finished")];
    return succeeded.flat().length >= 40 && announced.flat().length > 0;
  });
  const [ofOne = [], ofTwo = []] = linesOf("chunk succeeded").map(firstRows);
  expect(ofOne.length).toBeGreaterThan(0);
  expect(ofTwo.length).toBeGreaterThan(0);
  expect(new Set([...ofOne, ...ofTwo]).size).toBe(40);
  expect(ofOne.length + ofTwo.length).toBe(40);
  expect(linesOf("batch finished").flat()).toMatchObject([
    { batchId: batch.id, rows: 1000, succeeded: 950, failed: 50 },
  ]);
});

test("a second stop signal ends a worker at once", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await using gate = await closeGate(rowmill.ctx, "settle");
  const worker = await rowmill.startWorker();
  await user.upload(csv(25));
  await gate.reached();
  await signalUntilEnded(worker);
  expect(await worker.ended).toEqual({ code: 1, signal: null });
});

test("programs end when their parent process is gone", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi();
  const worker = await rowmill.startWorker();
  for (const program of [api.program, worker]) {
    program.abandon();
    expect(await program.ended).toEqual({ code: 0, signal: null });
  }
});

test("a stopping worker finishes its chunks even if its parent is killed", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await using gate = await closeGate(rowmill.ctx, "settle");
  const worker = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(25));
  await gate.reached();
  worker.signal("SIGTERM");
  await worker.logged("closing");
  worker.abandon();
  await gate.open();
  expect(await worker.ended).toEqual({ code: 0, signal: null });
  expect((await user.batch(batch.id)).body.counts.success).toBe(25);
});

test("workers end if the database and their log reader go away together", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi({ ROW_DELAY_MS: "60000" });
  const user = await api.client.signUp("reader");
  const workers = await Promise.all([1, 2, 3, 4].map(() => rowmill.startWorker({ WORKER_CONCURRENCY: "1" })));
  await user.upload(csv(100));
  await Promise.all(workers.map((worker) => worker.logged("chunk received")));
  // Halted meanwhile, so that it meets all of it at once.
  for (const worker of workers) worker.signal("SIGSTOP");
  await onServer(
    inject("serverUrl"),
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('rowmill', 'rowmill-work')
      AND datname = '${new URL(rowmill.databaseUrl).pathname.slice(1)}'`,
  );
  for (const worker of workers) {
    worker.signal("SIGTERM");
    worker.abandon();
    worker.signal("SIGCONT");
  }
  await Promise.all(workers.map((worker) => signalUntilEnded(worker)));
});

/** A second signal counts only some time after the first. */
const signalUntilEnded = (worker: Program) =>
  until("the worker has ended", async () => {
    worker.signal("SIGTERM");
    return worker.hasEnded;
  });
