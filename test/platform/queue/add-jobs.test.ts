import { randomUUID } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import { PgBoss } from "pg-boss";
import { expect, test } from "vitest";
import { jobs } from "../../../src/jobs.ts";
import type { JobContract } from "../../../src/platform/queue/contract.ts";
import { QUEUE_SCHEMA } from "../../../src/schema/columns.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

async function rowOf(id: string): Promise<Record<string, unknown>> {
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT *, keep_until - start_after AS kept FROM rowmill_queue.job WHERE id = $1",
    [id],
  );
  const { id: _, created_on: createdOn, start_after: startAfter, keep_until: __, ...rest } = rows[0];
  return { ...rest, delayed: startAfter > createdOn };
}

/** @returns what the statement says: whether the queue exists */
async function addForRow(contract: JobContract, given: SQL): Promise<boolean | undefined> {
  const { insert, publish } = rowmill.ctx.queue.adding(contract, given);
  const { rows } = await rowmill.ctx.db.execute<{ isKnown: boolean }>(
    sql`WITH added AS (${insert}) SELECT ${publish(sql`added`)} AS "isKnown"`,
  );
  return rows[0]?.isKnown;
}

test("a job has the same row as one that pg-boss adds, in every queue, now and later", async () => {
  const { ctx, config } = rowmill;
  const boss = new PgBoss({
    connectionString: config.databaseUrl,
    schema: QUEUE_SCHEMA,
    migrate: false,
    supervise: false,
    schedule: false,
  });
  await boss.start();
  try {
    for (const contract of Object.values(jobs)) {
      for (const startAfterSeconds of [0, 90]) {
        const [own, theirs] = [randomUUID(), randomUUID()];
        const job = { payload: { text: 'a "b" \\ {c}, NULL', list: [1, null] }, priority: 7, group: "12" };
        await ctx.queue.add(ctx.db, contract, [{ id: own, ...job, startAfterSeconds }]);
        const inserted = { id: theirs, data: job.payload, priority: 7, group: { id: "12" } };
        await boss.insert(contract.name, [
          startAfterSeconds ? { ...inserted, startAfter: startAfterSeconds } : inserted,
        ]);
        expect(await rowOf(own)).toEqual(await rowOf(theirs));
        const ofRow = randomUUID();
        const isKnown = await addForRow(
          contract,
          sql`SELECT ${ofRow}::uuid AS id, ${JSON.stringify(job.payload)}::jsonb AS data, 7 AS priority, '12' AS group_id,
            now() + make_interval(secs => ${startAfterSeconds}) AS due_at, 1 AS place`,
        );
        expect(isKnown).toBe(true);
        expect(await rowOf(ofRow)).toEqual(await rowOf(theirs));
      }
    }
  } finally {
    await boss.stop();
  }
});

test("a job whose id exists is not added again, and a queue that does not exist is an error", async () => {
  const { ctx } = rowmill;
  const id = randomUUID();
  await ctx.queue.add(ctx.db, jobs.runTask, [{ id, payload: { first: true } }]);
  await ctx.queue.add(ctx.db, jobs.runTask, [
    { id, payload: { first: false } },
    { id: randomUUID(), payload: {} },
  ]);
  expect((await rowOf(id)).data).toEqual({ first: true });
  const unknown = { ...jobs.runTask, name: "task.unknown" };
  await expect(ctx.queue.add(ctx.db, unknown, [{ id: randomUUID(), payload: {} }])).rejects.toThrow(
    "task.unknown",
  );
  const given = sql`SELECT ${randomUUID()}::uuid AS id, '{}'::jsonb AS data, 0 AS priority, NULL AS group_id, now() AS due_at, 1 AS place`;
  expect(await addForRow(unknown, given)).toBe(false);
});
