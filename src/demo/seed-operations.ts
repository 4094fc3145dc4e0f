/** Creates what the other pages of the console show: a workflow, schedules, a webhook, a report and a backup. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BatchView } from "../batches/views.ts";
import type { Context } from "../context.ts";
import type { ApiClient } from "./api-client.ts";
import { seedMails, seedStatistics, seedWebhook } from "./seed-history.ts";

interface Listed {
  readonly items: readonly { readonly id: string; readonly name?: string }[];
}

const QUICK = { type: "generic", params: { seconds: 0 } };
const HOUR = { type: "generic", params: { seconds: 3600 } };

/** Eight steps, of which some complete, one fails and is ignored, one runs for an hour, and the rest wait for it. */
function workflowOn(file_id: string | undefined): object {
  const steps = [
    { name: "fetch", ...QUICK },
    { name: "check", ...QUICK, depends_on: ["fetch"] },
    {
      name: "thumbnails",
      type: "image",
      file_id,
      depends_on: ["fetch"],
      on_failure: "ignore",
      max_retries: 0,
    },
    { name: "import", ...QUICK, depends_on: ["check"] },
    { name: "enrich", ...HOUR, depends_on: ["import"] },
    { name: "repair", ...QUICK, depends_on: ["check"], when: "failure" },
    { name: "report", ...QUICK, depends_on: ["enrich", "thumbnails"] },
    { name: "publish", ...QUICK, depends_on: ["report"] },
  ];
  return { name: "Import of the month", steps };
}

/** Needs a running worker. Creates nothing that exists. @returns the names of what was missing */
export async function seedOperations(
  ctx: Context,
  userId: number,
  { user, admin }: { readonly user: ApiClient; readonly admin: ApiClient },
): Promise<string[]> {
  const created: string[] = [];
  const unless = async (path: string, name: string, create: () => Promise<unknown>) => {
    const { items } = await user.get<Listed>(path);
    if (items.length > 0) return;
    await create();
    created.push(name);
  };
  await unless("/api/v1/workflows", "workflow", async () => {
    // A CSV file of seedTasks(), which is no picture.
    const { items: files } = await user.get<Listed>("/api/v1/files");
    const { id } = await user.post<{ id: string }>("/api/v1/workflows", workflowOn(files[0]?.id));
    const read = () => user.get<{ steps: { name: string; state: string }[] }>(`/api/v1/workflows/${id}`);
    await until(read, ({ steps }) =>
      steps.some(({ name, state }) => name === "enrich" && state !== "waiting"),
    );
  });
  await unless("/api/v1/schedules", "schedules", async () => {
    const task = { ...QUICK, title: "Nightly import" };
    const nightly = { name: "Nightly import", cron: "30 2 * * *", timezone: "Europe/Berlin", task };
    const { id } = await user.post<{ id: string }>("/api/v1/schedules", nightly);
    for (const _ of [1, 2]) await user.post(`/api/v1/schedules/${id}/run`);
    await user.post("/api/v1/schedules", { name: "Prices", cron: "*/15 * * * *", task });
  });
  await unless("/api/v1/webhooks", "webhook", async () => {
    await seedWebhook(ctx, userId);
  });
  const { items: batches } = await user.get<{ items: BatchView[] }>("/api/v1/batches?limit=1000");
  if (!batches.some(({ filename }) => filename === LONG_NAME)) {
    await uploadErrors(user);
    created.push("batch with many errors");
  }
  await seedMails(ctx, userId);
  await seedStatistics(ctx);
  const { items: reports } = await admin.get<Listed>("/api/v1/reports");
  if (reports.length === 0) {
    await admin.post("/api/v1/reports", { kind: "daily", date: ctx.now().toISOString().slice(0, 10) });
    created.push("report");
  }
  const { items: backups } = await admin.get<Listed>("/api/v1/admin/backups");
  if (backups.length === 0 && ctx.config.databaseBackend === "postgres") {
    await admin.post("/api/v1/admin/backups");
    created.push("backup");
  }
  return created;
}

async function until<T>(read: () => Promise<T>, isReached: (value: T) => boolean): Promise<void> {
  while (!isReached(await read())) await sleep(100);
}

const LONG_NAME = `quarterly ${"catalogue of all branches with every correction ".repeat(3)}(final, 2).csv`;

async function uploadErrors(api: ApiClient): Promise<void> {
  const lines = Array.from({ length: 60 }, (_, n) => {
    if (n % 9 === 0) return `,Author ${n}`;
    if (n % 11 === 0) return `${"A title that does not end ".repeat(40)},Author ${n}`;
    if (n % 13 === 0) return `Title ${n},`;
    return `Title ${n},Author ${n}`;
  });
  const file = new Blob([`title,author\n${lines.join("\n")}\n`]);
  const path = "/api/v1/batches?target=books&mode=append&row_delay_ms=0&force=true";
  const { id } = await api.upload<BatchView>(path, file, LONG_NAME);
  await until(
    () => api.get<BatchView>(`/api/v1/batches/${id}`),
    ({ finished_at }) => finished_at !== null,
  );
}
