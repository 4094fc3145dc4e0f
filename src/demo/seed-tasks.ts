/** Creates tasks in every status through the API. */
import { openAsBlob } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type TaskStatus, taskStatus } from "../schema/tasks.ts";
import type { TaskView } from "../tasks/views.ts";
import type { ApiClient } from "./api-client.ts";
import { SAMPLE } from "./run-demo.ts";

const LONG = { type: "generic", params: { seconds: 3600 } };

/** Needs a running worker. @returns the statuses that were missing */
export async function seedTasks(api: ApiClient): Promise<TaskStatus[]> {
  const { items } = await api.get<{ items: TaskView[] }>("/api/v1/tasks?limit=100");
  const missing = taskStatus.enumValues.filter((status) => !items.some((task) => task.status === status));
  for (const status of missing) await recipes[status](api);
  return missing;
}

const recipes: Readonly<Record<TaskStatus, (api: ApiClient) => Promise<unknown>>> = {
  completed: async (api) => {
    const file_id = await sampleFile(api);
    return run(api, { type: "document", title: "Read a document", file_id }, "completed");
  },
  /** A CSV file is not a picture. */
  failed: async (api) => {
    const file_id = await sampleFile(api);
    return run(api, { type: "image", title: "Read a picture", file_id }, "failed");
  },
  cancelled: async (api) => {
    const { id } = await run(api, { ...LONG, title: "Work that nobody needs" }, "processing");
    return api.post(`/api/v1/tasks/${id}/cancel`, {});
  },
  processing: (api) => run(api, { ...LONG, title: "Work for an hour" }, "processing"),
  /** The second task waits for the first, which takes an hour. */
  pending: (api) => {
    const tasks = ["First step", "Second step"].map((title) => ({ ...LONG, title }));
    return api.post("/api/v1/tasks/bulk", { tasks, order: "sequential" });
  },
};

async function sampleFile(api: ApiClient): Promise<string> {
  const { id } = await api.upload<{ id: string }>("/api/v1/files", await openAsBlob(SAMPLE), "books.csv");
  return id;
}

async function run(api: ApiClient, body: object, status: TaskStatus): Promise<TaskView> {
  const { id } = await api.post<TaskView>("/api/v1/tasks", body);
  for (;;) {
    const task = await api.get<TaskView>(`/api/v1/tasks/${id}`);
    if (task.status === status) return task;
    if (task.completed_at) throw new Error(`The task ${id} is ${task.status} instead of ${status}.`);
    await sleep(100);
  }
}
