import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { jobs } from "../../../src/jobs.ts";
import { completeJobs, touchJobs } from "../../../src/platform/queue/claims.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const { name } = jobs.runTask;

async function activeJobs(count: number) {
  const { db, queue } = rowmill.ctx;
  const claims = Array.from({ length: count }, () => ({ name, id: randomUUID(), retryCount: 0 }));
  const added = claims.map(({ id }) => ({ id, payload: { taskId: id, run: 1 } }));
  await queue.add(db, jobs.runTask, added);
  await db.execute(
    sql`UPDATE rowmill_queue.job SET state = 'active' WHERE name = ${name} AND state = 'created'`,
  );
  return claims;
}

test("jobs are marked as alive and completed in one order, so that these statements cannot deadlock", async () => {
  const { db } = rowmill.ctx;
  const claims = await activeJobs(200);
  const reversed = claims.toReversed();
  for (let round = 0; round < 20; round++) {
    const touched = await Promise.all(
      [claims, reversed, claims, reversed].map((order) => touchJobs(db, name, order)),
    );
    expect(touched.map(({ size }) => size)).toEqual([200, 200, 200, 200]);
  }
  const completions = reversed.map((claim) => ({ claim, result: { n: 1 } }));
  const [completed] = await Promise.all([completeJobs(db, name, completions), touchJobs(db, name, claims)]);
  expect(completed).toEqual(claims.map(() => true));
});

test("only jobs whose claims still hold are completed, each with its own result", async () => {
  const { db } = rowmill.ctx;
  const [first, lost, last] = await activeJobs(3);
  if (!first || !lost || !last) throw new Error("three jobs are active");
  const completions = [
    { claim: first, result: { n: 1 } },
    { claim: { ...lost, retryCount: 1 }, result: { n: 2 } },
    { claim: last, result: undefined },
  ];
  expect(await completeJobs(db, name, completions)).toEqual([true, false, true]);
  const ids = sql.param([first.id, lost.id, last.id]);
  const { rows } = await db.execute(sql`
    SELECT state::text, output FROM rowmill_queue.job WHERE id = ANY(${ids}::uuid[]) ORDER BY array_position(${ids}::uuid[], id)`);
  expect(rows).toEqual([
    { state: "completed", output: { n: 1 } },
    { state: "active", output: null },
    { state: "completed", output: null },
  ]);
});
