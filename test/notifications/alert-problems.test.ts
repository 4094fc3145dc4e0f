import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { newBatchId } from "../../src/batches/ids.ts";
import { inTransaction } from "../../src/context.ts";
import { alertProblems } from "../../src/notifications/alert-problems.ts";
import { newTask } from "../support/tasks.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { ALERT_WAITING_JOBS: "3" } });
const admin = useAdmin(rowmill);
const user = useUser(rowmill);

async function subjects(): Promise<string[]> {
  const { body } = await admin.get<{ items: { data: { subject: string } }[] }>("/api/v1/notifications");
  return body.items.map(({ data }) => data.subject);
}

test("admins hear once of a backlog, of a lost worker, and of a target whose rows all fail", async () => {
  const { ctx } = rowmill;
  for (let task = 0; task < 3; task++) await newTask(ctx, user.userId);
  expect(await alertProblems(ctx)).toBe(0);

  await newTask(ctx, user.userId);
  expect(await alertProblems(ctx)).toBe(1);
  expect(await alertProblems(ctx)).toBe(0);
  expect(await subjects()).toEqual(["4 jobs wait in the queue default"]);

  const worker = (id: string, age: string) => sql`
    INSERT INTO rowmill.workers (id, host, pid, version, queues, running, started_at, last_seen_at)
    VALUES (${id}, 'host-1', 17, '0', '{}', '[{}]', now(), now() - ${age}::interval)`;
  await ctx.db.execute(worker(crypto.randomUUID(), "1 second"));
  await ctx.db.execute(worker(crypto.randomUUID(), "5 hours"));
  expect(await alertProblems(ctx)).toBe(0);
  await ctx.db.execute(worker(crypto.randomUUID(), "5 minutes"));
  expect(await alertProblems(ctx)).toBe(1);
  expect(await alertProblems(ctx)).toBe(0);
  expect((await subjects())[0]).toBe("A worker on host-1 is lost");

  const ended = (failed: number, succeeded: number) =>
    inTransaction(ctx, async (tx) => {
      const id = newBatchId(ctx.now());
      await tx.db.execute(sql`
        INSERT INTO rowmill.batches (id, user_id, target, filename, header, mapping, row_delay_ms, state, finished_at)
        VALUES (${id}, ${user.userId}, 'messages', 'x.csv', '{}', '{}', 0, 'completed_with_errors', now())`);
      await tx.db.execute(sql`
        INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, failed, succeeded, created)
        VALUES (${id}, 2, 1000, ${failed + succeeded}, 'done', ${failed}, ${succeeded}, ${succeeded})`);
    });
  await ended(99, 0);
  expect(await alertProblems(ctx)).toBe(0);
  await ended(1, 0);
  expect(await alertProblems(ctx)).toBe(1);
  expect((await subjects())[0]).toBe("Every row for messages fails");
  await ctx.db.execute(sql`DELETE FROM rowmill.admin_alerts WHERE key LIKE 'target/%'`);
  await ended(0, 1);
  expect(await alertProblems(ctx)).toBe(0);
});
