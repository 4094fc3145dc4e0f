import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { jobs } from "../../../src/jobs.ts";
import { putBack } from "../../../src/platform/queue/claims.ts";
import { fetchJobs } from "../../../src/platform/queue/fetch-jobs.ts";
import { Later } from "../../../src/platform/queue/later.ts";
import { listWaitingJobs, readDepths } from "../../../src/platform/queue/queue-reads.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const { name } = jobs.runTask;

test("a job of the highest priority is listed as waiting and has an age, also after it was put back", async () => {
  const { db, queue } = rowmill.ctx;
  const id = randomUUID();
  await queue.add(db, jobs.runTask, [{ id, payload: { taskId: id, run: 1 }, priority: 9 }]);
  const waiting = async () => ({
    listed: (await listWaitingJobs(db, [name], { after: null, limit: 10 })).map((job) => job.id),
    depths: await readDepths(db, [name]),
  });
  const expected = { listed: [id], depths: [{ waiting: 1, oldestWaitingSeconds: expect.any(Number) }] };
  expect(await waiting()).toMatchObject(expected);
  const [taken] = await fetchJobs(db, name, { ignoredGroups: [], count: 1 });
  const claim = { name, id, retryCount: taken?.retryCount ?? -1 };
  await putBack(db, { claim, later: new Later(0, {}), traceparent: null });
  expect(await waiting()).toMatchObject(expected);
});
