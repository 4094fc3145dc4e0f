import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cancelTask } from "../../src/tasks/cancel-task.ts";
import { createTasks, type TaskRequest } from "../../src/tasks/create-tasks.ts";
import { getTask, listEvents, listProgress } from "../../src/tasks/queries.ts";
import { hasEnded } from "../../src/tasks/state.ts";
import { ownTasks, type Task } from "../../src/tasks/take-edge.ts";
import { type Rowmill, startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";

let rowmill: Rowmill;
let userId: number;

beforeAll(async () => {
  rowmill = await startRowmill();
  await rowmill.startWorker();
  ({ userId } = await rowmill.newUser());
});

afterAll(() => rowmill[Symbol.asyncDispose]());

async function create(request: TaskRequest): Promise<string> {
  const { tasks } = await createTasks(rowmill.ctx, userId, [request]);
  return tasks[0]?.id ?? "";
}

function ended(id: string): Promise<Task> {
  return until(`task ${id} has ended`, async () => {
    const task = await getTask(rowmill.ctx, userId, id);
    return hasEnded(task.status) ? task : null;
  });
}

async function eventTypes(id: string): Promise<string[]> {
  const events = await listEvents(rowmill.ctx, id, 0, 100);
  return events.map(({ type }) => type);
}

describe("a generic task", () => {
  test("completes with its sentence, its progress and its history", async () => {
    const id = await create({ type: "generic", params: { seconds: 1.2 }, title: "Try" });
    const task = await ended(id);
    expect(task).toMatchObject({
      status: "completed",
      progress: 100,
      attempt: 1,
      retryCount: 0,
      title: "Try",
    });
    expect(task.result?.message).toMatch(/^Task completed successfully in 1.2 seconds at \d{4}-/);
    const types = await eventTypes(id);
    expect(types.filter((type) => type !== "progress")).toEqual([
      "created",
      "queued",
      "started",
      "completed",
    ]);
    const steps = await listProgress(rowmill.ctx, id, 0, 100);
    expect(steps.length).toBeGreaterThanOrEqual(2);
    expect(steps.length).toBeLessThanOrEqual(5);
    expect(steps.at(-1)).toMatchObject({ progress: 100, message: "Step 20 of 20" });
  });

  test("stops where it is cancelled while it runs", async () => {
    const id = await create({ type: "generic", params: { seconds: 60 } });
    await until("it runs", async () => (await getTask(rowmill.ctx, userId, id)).status === "processing");
    await cancelTask(rowmill.ctx, ownTasks(userId), id, "enough");
    expect(await ended(id)).toMatchObject({ status: "cancelled", cancelReason: "enough" });
  });
});
