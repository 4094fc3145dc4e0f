/** `npm run cli -- tasks ...` as an operator types it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { QueueView, WorkerView } from "../../src/queues/views.ts";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { getTask } from "../../src/tasks/queries.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import { run, unset } from "../support/commands.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { newTask } from "../support/tasks.ts";

let rowmill: Programs;
let userId: number;
beforeAll(async () => {
  rowmill = await startPrograms();
  const api = await rowmill.startApi();
  ({ userId } = await api.client.signUp("Ada"));
});
afterAll(() => rowmill[Symbol.asyncDispose]());

function cli(...args: string[]): Promise<{ code: number | null; output: string }> {
  const settings = { ...unset, DATABASE_URL: rowmill.databaseUrl, JWT_SECRET: "x".repeat(32) };
  return run(process.execPath, ["src/cli.ts", "tasks", ...args], settings).ended;
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, output } = await cli(...args, "--json");
  expect({ code, output }).toMatchObject({ code: 0 });
  return JSON.parse(output) as T;
}

describe("without a worker", () => {
  test("tasks without a command prints its usage and exits with 1", async () => {
    const { code, output } = await cli("none");
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: Usage: npm run cli -- tasks COMMAND/);
    expect(output).not.toContain("    at ");
  });

  test("tasks lists, counts, cancels, retries and deletes", async () => {
    const { ctx } = rowmill;
    const requests = Array.from({ length: 3 }, (_, n) => ({ type: "generic", title: `Number\n${n}` }));
    const { tasks } = await createTasks(ctx, userId, requests, { together: "parallel" });
    const [first] = tasks;
    const list = await cli("list", "--status", "pending", "--type", "generic", "--limit", "2");
    expect(list.output).toMatch(/^NUMBER +ID +TYPE +QUEUE +STATUS +% +USER +CREATED +ERROR +TITLE\n/);
    expect(list.output.split("\n").filter((line) => line.includes(" Number "))).toHaveLength(2);

    const counted = await cli("cancel", "--status", "pending", "--type", "generic");
    expect(counted).toEqual({ code: 0, output: "3 would be cancelled; add --yes to do it.\n" });
    expect((await getTask(ctx, null, first?.id ?? "")).status).toBe("pending");
    const one = await cli("cancel", first?.id ?? "", "--reason", "By hand.");
    expect(one).toEqual({ code: 0, output: `Task ${first?.number} is cancelled.\n` });
    expect((await getTask(ctx, null, first?.id ?? "")).cancelReason).toBe("By hand.");
    expect(await json("cancel", "--user", "ADA", "--yes")).toEqual({ matched: 2, changed: 2 });
    expect((await cli("retry", "--all", "--yes")).output).toBe("3 of 3 retried.\n");
    expect((await cli("purge", "default")).output).toBe("3 would be cancelled; add --yes to do it.\n");
    expect((await cli("purge", "default", "--yes")).output).toBe("3 of 3 cancelled.\n");
    expect((await cli("delete", "--all", "--yes")).output).toBe("3 of 3 deleted.\n");
    expect((await cli("list")).output).toBe("None.\n");
  }, 120_000);
});

describe("with a worker", () => {
  beforeAll(async () => {
    await rowmill.startWorker({ WORKER_QUEUES: "default:2" });
  });

  test("tasks runs a task and waits for its result", async () => {
    const done = await cli("run", "generic", "--params", '{"seconds": 0.5}', "--user", "Ada", "--wait");
    expect(done).toMatchObject({ code: 0 });
    expect(done.output).toMatch(/^Task \d+ \([0-9a-f-]{36}\) is in the queue default\.$/m);
    expect(done.output).toMatch(/^completed: Task completed successfully in 0.5 seconds at /m);
    await rowmill.ctx.pool.query("UPDATE users SET role = 'admin' WHERE id = $1", [userId]);
    const unwatched = await cli(
      "run",
      "generic",
      "--params",
      '{"seconds": 600}',
      "--title",
      "Mine",
      "--json",
    );
    const view = JSON.parse(unwatched.output.slice(unwatched.output.indexOf("{"))) as TaskView;
    expect(view).toMatchObject({ user_id: userId, title: "Mine", params: { seconds: 600 } });

    const active = await cli("inspect");
    expect(active.output).toMatch(new RegExp(`^task.default +${view.id} `, "m"));
    await cli("cancel", view.id);
  }, 120_000);

  test("tasks shows queues, workers and registered types, and pauses queues", async () => {
    const { items: workers } = await json<{ items: WorkerView[] }>("workers");
    expect(workers).toMatchObject([{ queues: { default: 2 }, is_alive: true }]);
    expect((await cli("workers")).output).toContain("default:2");
    expect((await cli("pause", "default")).output).toMatch(/^default .* 20\d\d-\S+Z$/m);
    const held = await newTask(rowmill.ctx, userId);
    const { items: queues } = await json<{ items: QueueView[] }>("queues");
    expect(queues.find(({ name }) => name === "default")).toMatchObject({
      is_paused: true,
      paused_by: null,
      waiting: 1,
    });
    expect((await cli("resume", "default")).output).toMatch(/^default .* no$/m);
    const registered = await cli("inspect", "registered");
    expect(registered.output).toMatch(/^task type +generic +default +1$/m);
    const scheduled = await cli("inspect", "scheduled");
    expect(scheduled.output).toMatch(/^upkeep\.clean +0 0 \* \* \* +20\d\d-\S+T00:00:00.000Z/m);
    expect(held).not.toBe("");
  }, 120_000);

  test("the doctor names unserved and paused queues", async () => {
    const settings = { ...unset, DATABASE_URL: rowmill.databaseUrl, JWT_SECRET: "x".repeat(32) };
    const doctor = () => run(process.execPath, ["src/cli.ts", "doctor"], settings).ended;
    const untaken = await doctor();
    expect(untaken).toMatchObject({ code: 1 });
    expect(untaken.output).toContain(
      "✗ No worker takes bulk_processing, file_processing, notifications; start one with",
    );
    await rowmill.startWorker();
    expect((await doctor()).output).toContain("✓ No queue is paused.");
    await rowmill.ctx.pool.query("INSERT INTO paused_queues (queue) VALUES ('notifications')");
    expect((await doctor()).output).toContain(
      "✗ notifications: paused; go on with: npm run cli -- tasks resume notifications",
    );
  }, 120_000);
});
