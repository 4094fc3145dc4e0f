import { expect, test } from "vitest";
import { csv } from "../support/book-files.ts";
import { expectExactlyOnce } from "../support/exactly-once.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { SlowUpload } from "../support/slow-upload.ts";
import { endedTask, newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";

/** Options of Node.js for a program whose clock is wrong. */
function clockOff(ms: number): string {
  const script = `const Right = Date;
    globalThis.Date = class Date extends Right {
      constructor(...parts) { parts.length === 0 ? super(Right.now() + ${ms}) : super(...parts); }
      static now() { return Right.now() + ${ms}; }
    };`;
  return `--import=data:text/javascript,${encodeURIComponent(script)}`;
}

/** Returns the columns with times that are far from now, but for those that are meant to be. Statistics have the beginning of a minute. */
async function wrongTimes({ ctx: { pool } }: Programs): Promise<string[]> {
  const { rows: columns } = await pool.query<{ table: string; column: string }>(
    `SELECT quote_ident(table_name) AS table, quote_ident(column_name) AS column FROM information_schema.columns
      WHERE table_schema = 'rowmill' AND data_type = 'timestamp with time zone'
        AND column_name <> 'expires_at' AND column_name NOT LIKE '%\\_until' AND column_name NOT LIKE 'next\\_%'`,
  );
  expect(columns.length).toBeGreaterThan(10);
  const wrong: string[] = [];
  for (const { table, column } of columns) {
    const { rowCount } = await pool.query(
      `SELECT FROM rowmill.${table} WHERE ${column} NOT BETWEEN now() - interval '30 minutes' AND now() + interval '30 minutes' LIMIT 1`,
    );
    if (rowCount) wrong.push(`${table}.${column}`);
  }
  return wrong;
}

test.for([
  ["ahead", 3_600_000],
  ["behind", -3_600_000],
] as const)(
  "a worker whose clock is an hour %s takes no work of others for lost, and records the right times",
  async ([, ms]) => {
    await using rowmill = await startPrograms({ ROW_DELAY_MS: "500" });
    const { ctx } = rowmill;
    const api = await rowmill.startApi();
    const [user, other] = [await api.client.signUp("reader"), await api.client.signUp("other")];
    using upload = new SlowUpload(await api.client.signUp("slow"));
    await upload.send(csv(20_000));
    upload.trickle();
    const worker = await rowmill.startWorker({ NODE_OPTIONS: clockOff(ms) });
    const right = await rowmill.startWorker({ WORKER_QUEUES: "bulk_processing" });
    await worker.logged("the clock of this machine is wrong; using the time of the database");

    const { body: batch } = await user.upload(csv(950, 50));
    const { body: atomic } = await other.upload(csv(200), "/api/v1/batches?target=records&policy=atomic");
    const lasting = await newTask(ctx, user.userId, 3);
    await ctx.pool.query(
      "INSERT INTO rowmill_queue.job (name, data) VALUES ('upkeep.reconcile', '{}'), ('upkeep.clean', '{}')",
    );
    await user.finished(batch.id);
    await expectExactlyOnce(ctx.pool, batch.id, { good: 950, bad: 50 });
    expect((await other.finished(atomic.id)).state).toBe("completed");
    expect((await endedTask(ctx, lasting)).status).toBe("completed");
    await until("upkeep has ended", async () => {
      const { rowCount } = await ctx.pool.query(
        "SELECT FROM rowmill_queue.job WHERE name IN ('upkeep.reconcile', 'upkeep.clean') AND state = 'completed'",
      );
      return rowCount !== null && rowCount >= 2;
    });
    expect((await upload.end())?.status).toBe(202);
    expect(await wrongTimes(rowmill)).toEqual([]);
    expect([worker.hasEnded, right.hasEnded]).toEqual([false, false]);
  },
);
