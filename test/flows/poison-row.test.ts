import { expect, test } from "vitest";
import { missHeartbeats } from "../support/jobs.ts";
import { type Program, startPrograms } from "../support/processes.ts";
import { useSourcesWithTraps } from "../support/trap-target.ts";
import { until } from "../support/until.ts";

const sources = useSourcesWithTraps();
const ROWS = 50;
const CHUNK_ROWS = 25;

const names = (traps: Record<number, string>, rows = ROWS) =>
  `name\n${Array.from({ length: rows }, (_, index) => traps[index + 2] ?? `row ${index + 2}`).join("\n")}\n`;

const crashes = (worker: Program) => worker.lines("a job has ended its process").length;

// Each crash costs the start of a process, so that only one of them has whole chunks.
test.for([
  ["killed", ROWS, 40],
  ["heap", 4, 4],
] as const)(
  "a row whose process is %s fails alone, after one crash of the worker",
  async ([trap, rows, row]) => {
    await using rowmill = await startPrograms({}, undefined, sources);
    const api = await rowmill.startApi();
    const [owner, other] = [await api.client.signUp("owner"), await api.client.signUp("other")];
    const first = await rowmill.startWorker({ NODE_OPTIONS: "--max-old-space-size=128" });
    const { body: batch } = await owner.upload(names({ [row]: trap }, rows), "/api/v1/batches?target=traps");
    await until("the worker has crashed", async () => first.hasEnded);
    await missHeartbeats(rowmill.ctx);

    const worker = await rowmill.startWorker({ NODE_OPTIONS: "--max-old-space-size=128" });
    await worker.logged("running a job alone: the process that ran it has ended");
    const { body: meanwhile } = await other.upload("title,author\nEmma,Austen\n");
    expect((await other.finished(meanwhile.id, 30_000)).counts.success).toBe(1);
    expect((await owner.batch(batch.id)).body.finished_at).toBeNull();

    const ended = await owner.finished(batch.id, 200_000);
    expect(ended.counts).toMatchObject({ success: rows - 1, failed: 1 });
    expect(await owner.rows(batch.id, "failed")).toMatchObject([{ row, error_code: "worker_crashed" }]);
    expect(worker.hasEnded).toBe(false);
    // One for each half of the chunk, and a second one for the row.
    expect(crashes(worker)).toBeLessThanOrEqual(Math.ceil(Math.log2(Math.min(rows, CHUNK_ROWS))) + 2);
  },
);

test("rows of a target that never answers fail in time, also if their worker is killed meanwhile", async () => {
  const settings = { ROW_TIMEOUT_SECONDS: "2", ROW_MAX_RETRIES: "1" };
  await using rowmill = await startPrograms(settings, undefined, sources);
  const api = await rowmill.startApi();
  const [owner, other] = [await api.client.signUp("owner"), await api.client.signUp("other")];
  const first = await rowmill.startWorker();
  const { body: batch } = await owner.upload(
    names({ 10: "hangs", 11: "hangs", 40: "hangs" }),
    "/api/v1/batches?target=calls",
  );
  await until("rows hang", async () => (await owner.batch(batch.id)).body.counts.processing > 0);
  await first.kill();
  await missHeartbeats(rowmill.ctx);

  const worker = await rowmill.startWorker();
  const { body: meanwhile } = await other.upload("title,author\nEmma,Austen\n");
  expect((await other.finished(meanwhile.id, 30_000)).counts.success).toBe(1);
  const ended = await owner.finished(batch.id, 90_000);
  expect(ended.counts).toMatchObject({ success: ROWS - 3, failed: 3 });
  const failed = await owner.rows(batch.id, "failed");
  expect(failed.map(({ row, error_code, attempts }) => [row, error_code, attempts])).toEqual([
    [10, "row_timed_out", 2],
    [11, "row_timed_out", 2],
    [40, "row_timed_out", 2],
  ]);
  // The worker ends although the calls never do.
  expect((await worker.stop()).code).toBe(0);
});
