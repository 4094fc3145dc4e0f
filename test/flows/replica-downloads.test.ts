/** Result files that are read from a standby, and what happens to them if it lags, stops or cancels reads. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { csv } from "../support/book-files.ts";
import { countReads, untilCaughtUp, useReplicated } from "../support/replicated.ts";
import { bytesOf, path, storeBatch } from "../support/result-files.ts";
import { timed } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";

const replicated = useReplicated();

test("results of a batch that the standby lacks are read from the database itself, however far it may lag", async () => {
  const { rowmill, user, elsewhere } = await replicated.startApis({ DATABASE_READ_MAX_LAG_SECONDS: "600" });
  await rowmill.startWorker();
  await replicated.standby.pause();
  const { body: batch } = await elsewhere.upload(csv(2));
  await elsewhere.finished(batch.id);
  // Two minutes later.
  const [sinceStart, time] = [performance.now.bind(performance), Date.now];
  vi.spyOn(performance, "now").mockImplementation(() => sinceStart() + 120_000);
  vi.spyOn(Date, "now").mockImplementation(() => time() + 120_000);
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  expect(rowmill.ctx.replica?.lagSeconds).toBeGreaterThan(110);
  expect(rowmill.ctx.replica?.readsFor(null)).not.toBeNull();
  for (const file of ["all.csv", "success.csv"])
    expect(String(await bytesOf(user, path(batch.id, file)))).toContain("success");
});

describe("a download from the standby", () => {
  const ROWS = 20_000;

  /** The standby has a batch whose file is longer than what the sockets hold. The client has read its beginning. */
  async function begin(settings: NodeJS.ProcessEnv = {}) {
    const { rowmill, user } = await replicated.startApis(settings);
    const noise = "(SELECT string_agg(md5(n || '/' || k), '') FROM generate_series(1, 30) AS k)";
    const id = await storeBatch(rowmill, user, ROWS, "", noise);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.batches SET finished_at = finished_at - interval '2 minutes' WHERE id = $1",
      [id],
    );
    await untilCaughtUp(rowmill);
    const reads = countReads(rowmill);
    const headers = { authorization: `Bearer ${user.token}` };
    const request = get(user.url + path(id, "all.csv"), { headers, agent: false });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    await once(response, "readable");
    expect(reads()).toBeGreaterThan(0);
    return { rowmill, user, id, response, reads };
  }

  const rowsIn = (file: string) => file.match(/,(success|failed|unprocessed),/g)?.length;

  test("a download from the standby is complete although the standby stops in the middle of it", async () => {
    const { response } = await begin();
    await replicated.standby.stop();
    onTestFinished(() => replicated.standby.start());
    expect(rowsIn(await text(response))).toBe(ROWS);
  });

  test("a download from the standby is complete although the standby cancels its reads to apply a lock", async () => {
    const { rowmill, user, id, response } = await begin();
    response.destroy();
    await replicated.cancelAtOnce();
    const before = await replicated.countConflicts();
    let isOver = false;
    const locking = (async () => {
      for (; !isOver; isOver ||= (await replicated.countConflicts()) > before)
        await rowmill.ctx.pool.query(
          "BEGIN; LOCK TABLE rowmill.row_results IN ACCESS EXCLUSIVE MODE; SELECT pg_current_xact_id(); COMMIT",
        );
    })();
    onTestFinished(() => {
      isOver = true;
      return locking;
    });
    await until("a download was disturbed", async () => {
      await untilCaughtUp(rowmill);
      expect(rowsIn(String(await bytesOf(user, path(id, "all.csv"))))).toBe(ROWS);
      return isOver;
    });
  });

  test("a download from the standby waits once for a standby that no longer answers, and not for each page", async () => {
    const { rowmill, response, reads } = await begin({ READ_TIMEOUT_SECONDS: "5" });
    replicated.standby.signalAll("SIGSTOP");
    onTestFinished(() => replicated.standby.signalAll("SIGCONT"));
    const before = reads();
    const { result, ms } = await timed(() => text(response));
    expect(rowsIn(result)).toBe(ROWS);
    // A wait for each page would take minutes.
    expect(ms).toBeLessThan(40_000);
    expect(rowmill.ctx.replica?.readsFor(null)).toBeNull();
    // Two pages, of which one was asked for in advance, and the comparison of the positions.
    expect(reads() - before).toBeLessThan(5);
  });
});
