import { expect, test } from "vitest";
import { newAdmin } from "../support/admin.ts";
import type { Client } from "../support/client.ts";
import { type NamedOperation, operationsOf, readDocument } from "../support/document.ts";
import { storedFile } from "../support/files.ts";
import { type Existing, requestsOf, type SentFields } from "../support/fuzz.ts";
import { startRowmill } from "../support/rowmill.ts";
import { makeTask } from "../support/task-client.ts";
import { newWebhook } from "../support/webhooks.ts";
import { quick, runWorkflow } from "../support/workflows.ts";
import { OPERATION_IDS } from "./operation-ids.ts";

/** In this order, each operation still finds what it works on. */
const ORDER = [/^GET/, /^PATCH/, /^POST .*\/retry$/, /^POST/, /^DELETE (?!.*sessions)/, /^DELETE/];
const placeOf = ({ name }: NamedOperation) => ORDER.findIndex((pattern) => pattern.test(name));

/** One of everything that an id in a path can name. */
async function createEverything(client: Client): Promise<Existing> {
  const { body: batch } = await client.upload("title,author\nEmma,Jane Austen\n,Nobody\n");
  await client.finished(batch.id);
  const task = await makeTask(client);
  const file = await storedFile(client, "A file.");
  const { body: report } = await client.post<{ id: string }>("/api/v1/reports", { kind: "daily" });
  const { body: books } = await client.get<{ items: { id: number }[] }>("/api/v1/books");
  const webhook = await newWebhook(client, "https://example.com/webhooks/rowmill");
  const tested = await client.post<{ id: string }>(`/api/v1/webhooks/${webhook.id}/test`);
  const workflow = await runWorkflow(client, { chain: [quick({ name: "fetch" })] });
  const { body: schedule } = await client.post<{ id: string }>("/api/v1/schedules", {
    name: "Nightly",
    cron: "@daily",
    task: { type: "generic" },
  });
  return {
    workflow_id: workflow.id,
    name: "fetch",
    schedule_id: schedule.id,
    job_id: task.job_id,
    webhook_id: webhook.id,
    delivery_id: tested.body.id,
    batch_id: batch.id,
    row: "3",
    task_id: task.id,
    file_id: file.id,
    id: String(books.items[0]?.id),
    queue: "default",
    report_id: report.id,
  };
}

/** Its answer ends only when the client disconnects. */
const ENDLESS = /^\/api\/v1\/((admin|notifications)\/)?events(\?|$)/;

/** Disconnects as soon as the status has arrived. */
async function isStreaming({ url, token }: Client, path: string, headers: Record<string, string>) {
  const leaving = new AbortController();
  const authorization = `Bearer ${token}`;
  const { status } = await fetch(url + path, {
    headers: { authorization, ...headers },
    signal: leaving.signal,
  });
  leaving.abort();
  return status === 200;
}

test("no request at the boundaries of the document gets a 5xx or an answer that is not documented", async () => {
  // Nothing listens there, so no webhook leaves this machine.
  await using rowmill = await startRowmill({
    WEBHOOK_PROXY: "http://127.0.0.1:9",
    WEBHOOK_TIMEOUT_SECONDS: "1",
  });
  await rowmill.startWorker();
  const client = await newAdmin(rowmill);
  const openapi = await readDocument(rowmill.app);
  const existing = await createEverything(client);
  const operations = operationsOf(openapi).toSorted((a, b) => placeOf(a) - placeOf(b));

  const failures: string[] = [];
  const statuses = new Map<number, number>();
  const sentFields: SentFields = new Map();
  for (const operation of operations) {
    for (const { method, path, headers, body } of requestsOf(openapi, operation, existing, sentFields)) {
      if (ENDLESS.test(path) && (await isStreaming(client, path, headers))) continue;
      const init = { headers, ...(body === undefined ? {} : { body }) };
      // The client checks every answer against the document.
      const answer = await client.send(method, path, init).catch((error: Error) => ({ status: 0, error }));
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status >= 500) failures.push(`${method} ${path} answered ${answer.status}`);
      if ("error" in answer)
        failures.push(`${method} ${path.slice(0, 200)}: ${answer.error.message.slice(0, 500)}`);
    }
  }
  expect(failures).toEqual([]);
  const isOurs = (name: string) => name.includes(" /api/v1/");
  expect(operations.map(({ method, path }) => `${method} ${path}`).filter(isOurs)).toHaveLength(
    Object.keys(OPERATION_IDS).filter(isOurs).length,
  );
  const sent = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  expect(sent).toBeGreaterThan(1200);
  expect([...statuses.keys()].sort()).toEqual(expect.arrayContaining([200, 201, 202, 204, 400, 404, 409]));
}, 300_000);
