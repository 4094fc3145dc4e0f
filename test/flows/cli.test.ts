/** `npm run cli` for tasks, queues, jobs and workers, as an operator types it. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findCommand } from "../../src/cli/commands.ts";
import type { QueueView } from "../../src/queues/views.ts";
import type { WorkerView } from "../../src/queues/workers/views.ts";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { getTask } from "../../src/tasks/queries.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import { run, unset } from "../support/commands.ts";
import { closeGate } from "../support/gate.ts";
import { activeJobs } from "../support/jobs.ts";
import { type Programs, startPrograms } from "../support/processes.ts";
import { newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";

let rowmill: Programs;
let userId: number;
beforeAll(async () => {
  rowmill = await startPrograms();
  const api = await rowmill.serveApi();
  ({ userId } = await api.client.signUp("Ada"));
});
afterAll(() => rowmill[Symbol.asyncDispose]());

function cli(...args: string[]): Promise<{ code: number | null; output: string }> {
  const settings = { ...unset, DATABASE_URL: rowmill.databaseUrl, JWT_SECRET: "x".repeat(32) };
  return run(process.execPath, ["src/cli.ts", ...args], settings).ended;
}

/** Returns the output of a command that succeeds in this process: starting the CLI takes 1 s of a core. */
async function outputOf(...args: string[]): Promise<string> {
  let output = "";
  const add = (text: unknown) => {
    output += text;
    return true;
  };
  using _log = vi.spyOn(console, "log").mockImplementation((line: unknown) => void add(`${line}\n`));
  using _write = vi.spyOn(process.stdout, "write").mockImplementation(add);
  const { ctx } = rowmill;
  await findCommand(args)?.({ config: ctx.config, connect: async () => ctx });
  return output;
}

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse(await outputOf(...args, "--json")) as T;
}

describe("without a worker", () => {
  test("the CLI prints help, and refuses an unknown command in one line", async () => {
    const help = await cli();
    expect(help).toMatchObject({ code: 0 });
    expect(help.output).toMatch(/^Usage: npm run cli -- COMMAND\n/);
    const { code, output } = await cli("tasks", "none");
    expect({ code, output }).toMatchObject({ code: 1 });
    expect(output).toMatch(/^rowmill: Unknown command "tasks none"\. Known commands: .*\n$/);
  });

  test("the CLI lists, counts, cancels, retries and deletes tasks", async () => {
    const { ctx } = rowmill;
    const requests = Array.from({ length: 3 }, (_, n) => ({ type: "generic", title: `Number\n${n}` }));
    const { tasks } = await createTasks(ctx, userId, requests, { together: "parallel" });
    const [first] = tasks;
    const list = await outputOf("tasks", "list", "--status", "pending", "--type", "generic", "--limit", "2");
    expect(list).toMatch(/^NUMBER +ID +TYPE +QUEUE +STATUS +% +USER +CREATED +ERROR +TITLE\n/);
    expect(list.split("\n").filter((line) => line.includes(" Number "))).toHaveLength(2);

    const counted = await outputOf("tasks", "cancel", "--status", "pending", "--type", "generic");
    expect(counted).toBe("3 would be cancelled. Add --yes to do it.\n");
    expect((await getTask(ctx, null, first?.id ?? "")).status).toBe("pending");
    const one = await cli("tasks", "cancel", first?.id ?? "", "--reason", "By hand.");
    expect(one).toEqual({ code: 0, output: `Task ${first?.number} is cancelled.\n` });
    expect((await getTask(ctx, null, first?.id ?? "")).cancelReason).toBe("By hand.");
    expect(await json("tasks", "cancel", "--user", "ADA", "--yes")).toEqual({ matched: 2, changed: 2 });
    expect(await outputOf("tasks", "retry", "--all", "--yes")).toBe("3 of 3 retried.\n");
    expect(await outputOf("queues", "purge", "default")).toBe("3 would be cancelled. Add --yes to do it.\n");
    expect(await outputOf("queues", "purge", "default", "--yes")).toBe("3 of 3 cancelled.\n");
    expect(await outputOf("tasks", "delete", "--all", "--yes")).toBe("3 of 3 deleted.\n");
    expect(await outputOf("tasks", "list")).toBe("None.\n");
  });
});

describe("with a worker", () => {
  beforeAll(async () => {
    await rowmill.startWorker({ WORKER_QUEUES: "default:2" });
  });

  test("the CLI runs a task and waits for its result", async () => {
    const done = await cli(
      "tasks",
      "run",
      "generic",
      "--params",
      '{"seconds": 0.5}',
      "--user",
      "Ada",
      "--wait",
    );
    expect(done).toMatchObject({ code: 0 });
    expect(done.output).toMatch(/^Task \d+ \([0-9a-f-]{36}\) is in the queue default\.$/m);
    expect(done.output).toMatch(/^completed: Task completed successfully in 0.5 seconds at /m);
    await rowmill.ctx.pool.query("UPDATE rowmill.users SET role = 'admin' WHERE id = $1", [userId]);
    await using _gate = await closeGate(rowmill.ctx, "complete");
    const unwatched = await cli(
      "tasks",
      "run",
      "generic",
      "--params",
      '{"seconds": 0}',
      "--title",
      "gate",
      "--json",
    );
    const view = JSON.parse(unwatched.output.slice(unwatched.output.indexOf("{"))) as TaskView;
    expect(view).toMatchObject({ user_id: userId, title: "gate", params: { seconds: 0 } });
    await until("it runs", async () => (await activeJobs(rowmill.ctx, "task.default")) === 1);
    const active = await cli("jobs", "active");
    expect(active.output).toMatch(new RegExp(`^task.default +${view.id} `, "m"));
  });

  test("the CLI shows queues, workers and registered types, and pauses queues", async () => {
    const { items: workers } = await json<{ items: WorkerView[] }>("workers", "list");
    expect(workers).toMatchObject([{ queues: { default: 2 }, is_alive: true }]);
    expect(await outputOf("workers", "list")).toContain("default:2");
    const paused = await outputOf("queues", "pause", "default", "--reason", "a deploy");
    expect(paused).toMatch(/^default .* 20\d\d-\S+Z +a deploy$/m);
    await until("the worker has heard of the pause, and a task waits", async () => {
      const id = await newTask(rowmill.ctx, userId);
      await sleep(1000);
      return (await getTask(rowmill.ctx, null, id)).status === "pending";
    });
    const { items: queues } = await json<{ items: QueueView[] }>("queues", "list");
    expect(queues.find(({ name }) => name === "default")).toMatchObject({
      is_paused: true,
      paused_by: null,
      waiting: 1,
    });
    expect(await outputOf("queues", "resume", "default")).toMatch(/^default .* no +-$/m);
    const registered = await outputOf("jobs", "registered");
    expect(registered).toMatch(/^task type +generic +default +1$/m);
    const scheduled = await outputOf("jobs", "scheduled");
    expect(scheduled).toMatch(/^upkeep\.clean +0 0 \* \* \* +20\d\d-\S+T00:00:00.000Z/m);
  });

  test("the doctor names unserved and paused queues", async () => {
    const settings = { ...unset, DATABASE_URL: rowmill.databaseUrl, JWT_SECRET: "x".repeat(32) };
    const doctor = () => run(process.execPath, ["src/cli.ts", "doctor"], settings).ended;
    const untaken = await doctor();
    expect(untaken).toMatchObject({ code: 1 });
    expect(untaken.output).toContain(
      "✗ No worker serves bulk_processing, file_processing, notifications, http. Start one with",
    );
    await rowmill.startWorker();
    expect((await doctor()).output).toContain("✓ No queue is paused.");
    await rowmill.ctx.pool.query("INSERT INTO rowmill.paused_queues (queue) VALUES ('notifications')");
    expect((await doctor()).output).toContain(
      "✗ Paused: notifications. Resume: npm run cli -- queues resume notifications",
    );
  });
});
