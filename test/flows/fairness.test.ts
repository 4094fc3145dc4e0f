import { expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const LARGE = csv(100_000);

async function secondsFor(user: Client, content: string): Promise<number> {
  const startedAt = performance.now();
  const { body } = await user.upload(content);
  const batch = await user.finished(body.id);
  expect(batch.state).toBe("completed");
  return (performance.now() - startedAt) / 1000;
}

test("three rows uploaded behind 100,000 queued rows finish within three seconds, for one user or two", async () => {
  await using rowmill = await startPrograms();
  const api = await rowmill.startApi();
  const [busy, other] = [await api.client.signUp("busy"), await api.client.signUp("other")];
  const { body: large } = await busy.upload<BatchView>(
    LARGE,
    "/api/v1/batches?target=books&row_delay_ms=500",
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
  expect((await busy.finished(large.id, 60_000)).counts.success).toBe(100_000);
});
