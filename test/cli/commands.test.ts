import { beforeAll, expect, test } from "vitest";
import { findCommand } from "../../src/cli/commands.ts";
import { jobs } from "../../src/jobs.ts";
import { printed } from "../support/printed.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
beforeAll(async () => {
  await rowmill.client.signUp("Ada");
});

test.each([
  ["tasks list --status lost", /^Unknown status "lost"\. Use one of: pending,/],
  ["tasks list --limit 0", /^--limit: must be a whole number from 1 to 10000/],
  ["tasks list --user nobody", /^--user: no user is named "nobody"/],
  ["tasks cancel", /^No tasks chosen\./],
  ["tasks delete --yes", /^No tasks chosen\./],
  ["tasks cancel 7", /^"7" is not a task ID/],
  ["tasks retry 01a20159-f320-7af5-a6be-a1fe00000000", /^No such task/],
  ["queues purge", /^The queue is missing\. Use one of: bulk_processing,/],
  ["queues pause none", /^Unknown queue "none"\. Use one of: bulk_processing,/],
  ["tasks run none", /^Unknown task type "none"\. Use one of: .*generic/],
  ["tasks run generic", /^--user: required, because no administrator exists/],
  ["tasks run generic --params [1]", /^--params: must be a JSON object/],
  ["tasks run generic --params {", /^--params: must be a JSON object/],
  ['tasks run generic --user ada --params {"minutes":1}', /^params.minutes: is not a parameter/],
  ["jobs get 7", /^"7" is not a job ID/],
  ["jobs get 01a20159-f320-7af5-a6be-a1fe00000000", /^No such job/],
  ["limits set generic", /^Give --per-second, --concurrent or both/],
  ["limits set generic --per-second x", /^--per-second: must be a number/],
  ["limits set generic --concurrent 1.5", /^--concurrent: must be a whole number/],
  ["workers get", /^The worker ID is missing/],
  ["workers shutdown 7", /^"7" is not a worker ID/],
  ["workers get 01a20159-f320-7af5-a6be-a1fe00000000", /^No such worker/],
  ["create-admin", /^The name is missing\. Usage: npm run cli -- create-admin NAME$/],
])("the command `%s` is refused, and the error names the way out", async (line, message) => {
  const session = { config: rowmill.config, connect: async () => rowmill.ctx };
  await expect(findCommand(line.split(" "))?.(session)).rejects.toThrow(message);
});

test("the doctor prints its findings as JSON, with a warning for waiting work and a problem for a failed backup", async () => {
  const { ctx } = rowmill;
  await ctx.pool.query(
    "INSERT INTO rowmill.backups (id, state, error, finished_at) VALUES (gen_random_uuid(), 'failed', 'The disk is full.', now())",
  );
  const id = "01a20159-f320-7af5-a6be-a1fe00000000";
  await ctx.queue.add(ctx.db, jobs.runTask, [{ id, payload: { taskId: id, run: 1 } }]);
  await ctx.pool.query(
    "UPDATE rowmill_queue.job SET created_on = now() - interval '1 hour', start_after = now() - interval '1 hour'",
  );
  const found = JSON.parse(await printed(rowmill, "doctor --json"));
  expect(process.exitCode).toBe(1);
  process.exitCode = undefined;
  expect(found).toMatchObject({ is_complete: true });
  const textsOf = (level: string) =>
    found.items
      .filter((item: { level: string }) => item.level === level)
      .map(({ text }: { text: string }) => text);
  expect(textsOf("problem")).toEqual([
    "No worker is connected. Start one: npm run worker",
    "The latest backup has failed: The disk is full. Repeat it: npm run cli -- backup",
  ]);
  expect(textsOf("warning")).toContainEqual(
    expect.stringMatching(/^Jobs wait in default \(1 waiting, the oldest for 60 minutes\)/),
  );
  expect(textsOf("ok")).toContain("Autovacuum is on, and no transaction holds it up.");
});
