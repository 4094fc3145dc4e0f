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

test("admins hear once of a backlog and of a lost worker", async () => {
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
});

test("admins hear of a target whose rows all fail, but not of one user with a bad file", async () => {
  const { ctx } = rowmill;
  const other = await rowmill.newUser();
  const ended = ({ userId }: { userId: number }, failed: number, succeeded = 0, attempt = 1) =>
    inTransaction(ctx, async (tx) => {
      const id = newBatchId(ctx.now());
      await tx.db.execute(sql`
        INSERT INTO rowmill.batches (id, user_id, target, filename, header, mapping, row_delay_ms, state, finished_at)
        VALUES (${id}, ${userId}, 'messages', 'x.csv', '{}', '{}', 0, 'completed_with_errors', now())`);
      await tx.db.execute(sql`
        INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, failed, succeeded, created, attempt)
        VALUES (${id}, 2, 1000, ${failed + succeeded}, 'done', ${failed}, ${succeeded}, ${succeeded}, ${attempt})`);
    });
  const beginAgain = async () => {
    await ctx.pool.query("DELETE FROM rowmill.batches");
    await ctx.db.execute(sql`DELETE FROM rowmill.admin_alerts WHERE key LIKE 'target/%'`);
  };

  await ended(user, 500);
  expect(await alertProblems(ctx)).toBe(0);
  await ended(other, 1);
  expect(await alertProblems(ctx)).toBe(1);
  expect((await subjects())[0]).toBe("Every row for messages fails");

  await beginAgain();
  await ended(user, 1);
  await ended(other, 98);
  expect(await alertProblems(ctx)).toBe(0);
  await ended(user, 100);
  await ended(other, 0, 1);
  expect(await alertProblems(ctx)).toBe(0);

  await beginAgain();
  await ended(user, 500);
  await ended(user, 99, 0, 4);
  expect(await alertProblems(ctx)).toBe(0);
  await ended(user, 1, 0, 4);
  expect(await alertProblems(ctx)).toBe(1);
});

test("a target that has worked before is reported while its batch still runs", async () => {
  const { ctx } = rowmill;
  const id = newBatchId(ctx.now());
  const chunk = (firstRow: number, counts: { succeeded: number; failed: number }, minutesAgo: number) => sql`
    INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count, state, succeeded, created, failed, attempt, updated_at)
    VALUES (${id}, ${firstRow}, ${firstRow + 99}, 100, 'done', ${counts.succeeded}, ${counts.succeeded}, ${counts.failed}, 4,
      now() - make_interval(mins => ${minutesAgo}))`;
  await ctx.pool.query("DELETE FROM rowmill.batches");
  await ctx.db.execute(sql`DELETE FROM rowmill.admin_alerts WHERE key LIKE 'target/%'`);
  await ctx.db.execute(sql`
    INSERT INTO rowmill.batches (id, user_id, target, filename, header, mapping, row_delay_ms, state)
    VALUES (${id}, ${user.userId}, 'messages', 'x.csv', '{}', '{}', 0, 'processing')`);
  await ctx.db.execute(chunk(2, { succeeded: 0, failed: 100 }, 90));
  await ctx.db.execute(chunk(102, { succeeded: 1, failed: 99 }, 20));
  expect(await alertProblems(ctx)).toBe(0);

  await ctx.db.execute(chunk(202, { succeeded: 0, failed: 100 }, 10));
  expect(await alertProblems(ctx)).toBe(1);
});
