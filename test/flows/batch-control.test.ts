import { expect, test } from "vitest";
import { command, untilBatch } from "../support/batches.ts";
import { csv, titled } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { count } from "../support/count.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { closeGate } from "../support/gate.ts";
import { activeJobs, announcedEnds, jobsLeft, missHeartbeats } from "../support/jobs.ts";
import { type Program, type Programs, startPrograms } from "../support/processes.ts";
import { MEASURED } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

const BOOKS = "/api/v1/batches?target=books";
/** Each in a process of its own, with places for two chunks of one user. */
const startWorkers = (rowmill: Programs, workers = 2): Promise<Program[]> =>
  Promise.all(Array.from({ length: workers }, () => rowmill.startWorker({ WORKER_CONCURRENCY: "2" })));

const stopped = (worker: Program) => worker.lines("chunk stopped with its batch");
const received = (worker: Program) => worker.lines("chunk received");

const books = ({ ctx }: Programs) => count(ctx.pool, "SELECT count(*) FROM rowmill.books");

/** Both workers run two chunks, whose first books a closed gate holds. */
async function uploadHeld(rowmill: Programs, user: Client) {
  const gate = await closeGate(rowmill.ctx);
  const held = Object.fromEntries([2, 27, 52, 77, 102, 127, 152, 177].map((row) => [row, `gate ${row}`]));
  const { body: batch } = await user.upload(titled(200, held), `${BOOKS}&force=true`);
  await gate.reached(4);
  return { batch, gate };
}

test.for([
  ["pause", "paused", "pending"],
  ["cancel", "cancelled", "unprocessed"],
] as const)(
  "a %s stops two workers within about a second, and holds if one of them is killed",
  MEASURED,
  async ([name, state, status]) => {
    await using rowmill = await startPrograms();
    const api = await rowmill.serveApi();
    const user = await api.client.signUp("reader");
    const workers = await startWorkers(rowmill);
    const [killed, other] = workers;
    const noJobLeft = () => until("no job is left", async () => (await jobsLeft(rowmill.ctx)) === 0);
    {
      const { batch, gate } = await uploadHeld(rowmill, user);
      await using _ = gate;
      const answer = await command(user, batch.id, name);
      expect(answer).toMatchObject({ state, counts: { total: 200, [status]: 200, processing: 0 } });
      const at = Date.now();
      await Promise.all(workers.map((worker) => worker.logged("chunk stopped with its batch", 2)));
      for (const worker of workers) {
        for (const line of stopped(worker)) expect(Date.parse(String(line.time)) - at).toBeLessThan(1500);
      }
      // The other chunks' jobs find that there is nothing to do.
      await noJobLeft();
      expect(workers.map((worker) => received(worker).length)).toEqual([2, 2]);
      expect(workers.flatMap((worker) => worker.lines("chunk succeeded"))).toEqual([]);
      expect(await user.rows(batch.id, status)).toHaveLength(200);
      expect(await books(rowmill)).toBe(0);
      expect(await announcedEnds(rowmill.ctx, batch.id)).toBe(name === "cancel" ? 1 : 0);
    }

    const { batch, gate } = await uploadHeld(rowmill, user);
    await using _ = gate;
    await Promise.all([command(user, batch.id, name), killed?.kill()]);
    const before = (await user.batch(batch.id)).body;
    expect(before).toMatchObject({ state, counts: { [status]: 200 } });
    await until("only jobs of the killed worker run", async () => (await activeJobs(rowmill.ctx)) <= 2);
    await missHeartbeats(rowmill.ctx);
    await noJobLeft();
    expect(other?.lines("chunk succeeded")).toEqual([]);
    expect((await user.batch(batch.id)).body.counts).toEqual(before.counts);
    expect(await books(rowmill)).toBe(0);
    const again = await command(user, batch.id, name);
    expect(again.counts).toEqual(before.counts);
  },
);

test("pausing and resuming while two workers write processes every row exactly once", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await startWorkers(rowmill);
  const { body: batch } = await user.upload(csv(19_000, 1000), `${BOOKS}&row_delay_ms=100`);
  let last = 0;
  for (let round = 0; round < 4; round++) {
    await untilBatch(user, batch.id, "goes on", ({ counts }) => counts.success > last);
    const paused = await command(user, batch.id, "pause");
    expect(paused.state).toBe("paused");
    await until("no chunk is running", async () => (await activeJobs(rowmill.ctx)) === 0);
    const held = (await user.batch(batch.id)).body.counts;
    expect(held).toEqual(paused.counts);
    last = held.success;
    await command(user, batch.id, "resume");
  }
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 19_000, bad: 1000 });
});

test("another worker continues a batch that was paused", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const first = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(95, 5), `${BOOKS}&row_delay_ms=6000`);
  await first.logged("chunk received", 3);
  await command(user, batch.id, "pause");
  await first.kill();
  await command(user, batch.id, "resume");
  const second = await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 95, bad: 5 });
  expect(await second.logged("chunk succeeded", 4)).toHaveLength(4);
});

test("the counts of a batch cancelled while two workers write match its stored rows", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await startWorkers(rowmill);
  const { body: batch } = await user.upload(csv(29_000, 1000));
  await untilBatch(user, batch.id, "has rows", ({ counts }) => counts.success > 0);
  const { state, counts } = await command(user, batch.id, "cancel");
  expect(state).toBe("cancelled");
  expect(counts.success + counts.failed + counts.unprocessed).toBe(30_000);
  expect(counts.unprocessed).toBeGreaterThan(0);
  await until("no job is left", async () => (await jobsLeft(rowmill.ctx)) === 0);
  expect((await user.batch(batch.id)).body.counts).toEqual(counts);
  expect(await books(rowmill)).toBe(counts.success);
  expect(await user.rows(batch.id, "unprocessed")).toHaveLength(counts.unprocessed);
  expect(await user.rows(batch.id, "success")).toHaveLength(counts.success);
  expect(await announcedEnds(rowmill.ctx, batch.id)).toBe(1);

  // And what was left can be gone on with.
  await command(user, batch.id, "retry", { unprocessed: true });
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 29_000, bad: 1000, ends: 2 });
});

test("a retry survives the death of its worker", async () => {
  await using rowmill = await startPrograms();
  const { ctx } = rowmill;
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const first = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(60, 40), `${BOOKS}&row_delay_ms=0`);
  const ended = await user.finished(batch.id);
  expect(ended.counts).toMatchObject({ success: 60, failed: 40 });
  const failed = await user.rows(batch.id, "failed");
  await ctx.pool.query(
    `UPDATE rowmill.batch_rows SET fields = found.fields FROM unnest($2::int[], $3::json[]) AS found ("row", fields)
    WHERE batch_id = $1 AND row_number = found."row"`,
    [
      batch.id,
      failed.map(({ row }) => row),
      failed.map(({ row }) => JSON.stringify([`Found ${row}`, "Author", ""])),
    ],
  );
  await ctx.pool.query("UPDATE rowmill.batches SET row_delay_ms = 2000 WHERE id = $1", [batch.id]);
  await command(user, batch.id, "retry");
  await first.logged("chunk received", 4 + 3);
  await first.kill();
  await rowmill.startWorker();
  await user.finished(batch.id);
  await expectExactlyOnce(ctx.pool, batch.id, { good: 100, bad: 0, ends: 2 });
  const triedTwice = (await user.rows(batch.id)).filter(({ attempts }) => attempts === 2);
  expect(triedTwice.map(({ row }) => row)).toEqual(failed.map(({ row }) => row));
});

test("an atomic batch is written completely or not at all despite kills and pauses", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const killed = await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(40_000), `${BOOKS}&policy=atomic`);
  await untilBatch(user, batch.id, "is half checked", ({ counts }) => counts.processing > 0);
  await killed.logged("batch received");
  await killed.kill();
  await missHeartbeats(rowmill.ctx);
  expect(await books(rowmill)).toBe(0);
  expect((await user.batch(batch.id)).body).toMatchObject({
    counts: { success: 0 },
    records: { created: 0 },
  });
  const second = await rowmill.startWorker();
  await second.logged("batch received");
  await command(user, batch.id, "pause");
  await command(user, batch.id, "resume");
  await user.finished(batch.id);
  await expectExactlyOnce(rowmill.ctx.pool, batch.id, { good: 40_000, bad: 0 });
});
