import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { command, untilBatch } from "../support/batches.ts";
import { csv } from "../support/book-files.ts";
import { count } from "../support/count.ts";
import { announcedEnds, jobsLeft, missHeartbeats } from "../support/jobs.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const UPSERT = "/api/v1/batches?target=books&mode=upsert";

const booksOf = async ({ ctx }: Programs) =>
  (await ctx.pool.query("SELECT id, title, description, batch_id, row_number FROM rowmill.books ORDER BY id"))
    .rows;

test("undoing continues after each killed worker and reverts every record once", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  const first = await rowmill.startWorker();
  const { body: old } = await user.upload(csv(5000).replaceAll("About", "Before"), UPSERT);
  await user.finished(old.id);
  const before = await booksOf(rowmill);
  const { body: batch } = await user.upload(csv(20_000), UPSERT);
  const ended = await user.finished(batch.id);
  expect(ended.records).toEqual({ created: 15_000, updated: 5000, unchanged: 0 });
  await first.stop();

  await command(user, batch.id, "undo");
  let cuts = 0;
  for (let round = 0; round < 3; round++) {
    const at = (await user.batch(batch.id)).body;
    if (at.state === "undone") break;
    const reversed = at.undo?.reversed ?? 0;
    const worker = await rowmill.startWorker();
    await untilBatch(
      user,
      batch.id,
      "is undone further",
      ({ undo }) => (undo?.reversed ?? 0) > reversed,
      40_000,
    );
    // Not to wait for something: the moment of the crash is what is to be at random.
    await sleep(Math.random() * 50);
    await worker.kill();
    await missHeartbeats(rowmill.ctx);
    const { body } = await user.batch(batch.id);
    if (body.state === "undoing") cuts++;
    // Whole chunks, and what is counted is what was done.
    expect(body.counts.undone).toBe(body.undo?.reversed);
    const left = await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.books WHERE batch_id = $1", [
      batch.id,
    ]);
    expect(left).toBe(20_000 - body.counts.undone);
  }
  expect(cuts).toBeGreaterThan(0);
  await rowmill.startWorker();
  const undone = await user.finished(batch.id);
  expect(undone).toMatchObject({
    state: "undone",
    undo: { reversed: 20_000, kept: 0, failed: 0 },
    counts: { total: 20_000, undone: 20_000, success: 0 },
  });
  expect(await booksOf(rowmill)).toEqual(before);
  expect(await announcedEnds(rowmill.ctx, batch.id)).toBe(2);
  expect((await user.send("DELETE", `/api/v1/batches/${batch.id}`)).status).toBe(204);
  expect(await booksOf(rowmill)).toEqual(before);
});

test("a batch cancelled while two workers write is undone completely", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("reader");
  await Promise.all([rowmill.startWorker(), rowmill.startWorker()]);
  const { body: batch } = await user.upload(csv(30_000));
  await untilBatch(user, batch.id, "has rows", ({ counts }) => counts.success > 0);
  await command(user, batch.id, "cancel");
  await command(user, batch.id, "undo");
  const { state, counts, undo } = await user.finished(batch.id);
  expect([state, undo?.kept, undo?.failed]).toEqual(["undone", 0, 0]);
  expect(counts.undone + counts.unprocessed).toBe(30_000);
  expect(counts.undone).toBe(undo?.reversed);
  await until("no job is left", async () => (await jobsLeft(rowmill.ctx)) === 0);
  expect(await booksOf(rowmill)).toEqual([]);
});
