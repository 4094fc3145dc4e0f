import { pino } from "pino";
import { expect, test } from "vitest";
import type { Context } from "../../../src/context.ts";
import { getTask } from "../../../src/tasks/queries.ts";
import { watchTask } from "../../../src/tasks/run/watch-task.ts";
import { newTask } from "../../support/tasks.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

test("a log line about the tasks of several jobs does not name the first of these jobs", async () => {
  const { ctx } = rowmill;
  const lines: Record<string, unknown>[] = [];
  const programLog = pino({ level: "warn" }, { write: (line) => lines.push(JSON.parse(line)) });
  const inJob = (jobId: string): Context => ({ ...ctx, programLog, log: programLog.child({ jobId }) });
  const task = await getTask(ctx, null, await newTask(ctx, user.userId));
  using _first = watchTask(inJob("first"), task);
  using _second = watchTask(inJob("second"), task);
  await ctx.pool.query("ALTER TABLE rowmill.tasks RENAME TO tasks_away");
  try {
    await until("the statuses cannot be read", async () => lines.length > 0);
  } finally {
    await ctx.pool.query("ALTER TABLE rowmill.tasks_away RENAME TO tasks");
  }
  expect(lines[0]).toMatchObject({ msg: "could not read the statuses of running tasks" });
  expect(lines[0]).not.toHaveProperty("jobId");
});
