/** The users who may send requests, as tasks, in schedules and in workflows. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { readSecrets } from "../../../../src/secrets/resolve-secrets.ts";
import { newAdmin } from "../../../support/admin.ts";
import { backUp } from "../../../support/backups.ts";
import type { Client, Problem } from "../../../support/client.ts";
import { testOnOneServer } from "../../../support/one-server.ts";
import { type Answering, RECEIVER_SETTINGS, Receiver } from "../../../support/receiver.ts";
import { startRowmill } from "../../../support/rowmill.ts";
import { makeTask, untilEnded } from "../../../support/task-client.ts";
import { until } from "../../../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../../../support/use-rowmill.ts";
import { type Detail, getStep, makeWorkflow, untilWorkflow } from "../../../support/workflows.ts";

const rowmill = useRowmill({ settings: RECEIVER_SETTINGS, worker: true });
const admin = useAdmin(rowmill);
const user = useUser(rowmill);

async function receive(answer?: Answering): Promise<Receiver> {
  const receiver = await Receiver.start(answer);
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  return receiver;
}

const json =
  (value: unknown): Answering =>
  (response) =>
    void response.setHeader("content-type", "application/json").end(JSON.stringify(value));

const ended = (client: Client, id: string) =>
  untilWorkflow(client, id, "has ended", ({ state }: Detail) => state !== "running");

test("by default only admins create http tasks, in every way, and see the type", async () => {
  const task = { type: "http", params: { url: "https://example.com/" } };
  const answers = [
    await user.post<Problem>("/api/v1/tasks", task),
    await user.post<Problem>("/api/v1/tasks/bulk", { tasks: [task] }),
    await user.post<Problem>("/api/v1/workflows", { chain: [task] }),
    await user.post<Problem>("/api/v1/schedules", { name: "http", cron: "@daily", task }),
  ];
  for (const { status, body } of answers) {
    expect(status).toBe(403);
    expect(body.detail).toContain("Only administrators can create or retry tasks of type http");
  }
  expect((await user.get("/api/v1/task-types/http")).status).toBe(404);
  expect((await admin.get("/api/v1/task-types/http")).body).toMatchObject({ role: "admin", queue: "http" });
});

test("with HTTP_TASKS=off nobody creates http tasks, and tasks that wait fail", async () => {
  const receiver = await receive();
  await using off = await startRowmill({ ...RECEIVER_SETTINGS, HTTP_TASKS: "off" });
  const root = await newAdmin(off);
  const answer = await root.post<Problem>("/api/v1/tasks", { type: "http", params: { url: receiver.url } });
  expect(answer).toMatchObject({ status: 403, body: { detail: expect.stringContaining("turned off") } });
  expect((await root.get("/api/v1/task-types/http")).status).toBe(404);

  const { id } = await makeTask(admin, {
    type: "http",
    params: { url: receiver.url },
    start_after: new Date(Date.now() + 1000).toISOString(),
  });
  await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET user_id = $1 WHERE id = $2", [user.userId, id]);
  expect(await untilEnded(user, id)).toMatchObject({ status: "failed", error_code: "forbidden" });
  expect(receiver.requests).toEqual([]);
});

test("a request with an Idempotency-Key creates one task, which sends one request", async () => {
  const receiver = await receive();
  const task = { type: "http", params: { url: receiver.url } };
  const key = { "idempotency-key": "order-4711" };
  const answers = await Promise.all(
    [1, 2, 3].map(() => admin.post<{ id: string }>("/api/v1/tasks", task, key)),
  );
  const again = await admin.post<{ id: string }>("/api/v1/tasks", task, key);
  await untilEnded(admin, again.body.id);
  expect(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.id))).toEqual(
    new Set([again.body.id]),
  );
  expect(receiver.requests).toHaveLength(1);
});

test("a schedule sends requests, with the secrets in its headers", async () => {
  await admin.put("/api/v1/admin/secrets/SCHEDULED", { value: "value of a schedule" });
  const receiver = await receive();
  const params = { url: receiver.url, headers: { authorization: "{{secret:SCHEDULED}}" } };
  const schedule = { name: "hourly call", cron: "@hourly", task: { type: "http", params } };
  const { body, status } = await admin.post<{ id: string }>("/api/v1/schedules", schedule);
  expect(status, JSON.stringify(body)).toBe(201);
  await admin.post(`/api/v1/schedules/${body.id}/run`);
  const [request] = await receiver.received(1);
  expect(request?.headers.authorization).toBe("value of a schedule");
  const unknown = {
    ...schedule,
    name: "other",
    task: { type: "http", params: { ...params, sign_with: "NOBODY" } },
  };
  const refused = await admin.post<Problem>("/api/v1/schedules", unknown);
  expect(refused.body.field_errors).toHaveProperty(["task.params.sign_with"]);
});

test("steps of a workflow pass answers on, as JSON with its types, beside secrets", async () => {
  await admin.put("/api/v1/admin/secrets/STEP", { value: "value of a step" });
  const orders = await receive(json({ id: 4711, items: [{ sku: "A-1" }], note: "{{x" }));
  const bills = await receive();
  const workflow = await makeWorkflow(admin, {
    steps: [
      { name: "order", type: "http", params: { url: orders.url, headers: { a: "{{secret:STEP}}" } } },
      {
        name: "bill",
        type: "http",
        depends_on: ["order"],
        params: {
          url: `${bills.url}/{{steps.order.result.body.id}}`,
          headers: { authorization: "Bearer {{secret:STEP}}", "x-status": "{{steps.order.result.status}}" },
          body: { order: "{{steps.order.result.body}}", sku: "{{steps.order.result.body.items.0.sku}}" },
        },
      },
    ],
  });
  expect(await ended(admin, workflow.id)).toMatchObject({ state: "completed" });
  expect(orders.requests[0]?.headers.a).toBe("value of a step");
  const [bill] = bills.requests;
  expect(bill?.path).toBe("/hook/4711");
  expect(bill?.headers).toMatchObject({ authorization: "Bearer value of a step", "x-status": "200" });
  expect(JSON.parse(bill?.body ?? "")).toEqual({
    order: { id: 4711, items: [{ sku: "A-1" }], note: "{{x" },
    sku: "A-1",
  });
  const wrong = await admin.post<Problem>("/api/v1/workflows", {
    chain: [
      { name: "a", type: "http", params: { url: orders.url, headers: { a: "{{secret:NOBODY}}" } } },
      { type: "http", params: { url: orders.url, body: "{{steps.a.result.answer}}" } },
    ],
  });
  expect(wrong.body.field_errors).toHaveProperty(["chain.1.params.body"]);
  const unknown = {
    chain: [{ type: "http", params: { url: orders.url, headers: { a: "{{secret:NOBODY}}" } } }],
  };
  expect((await admin.post<Problem>("/api/v1/workflows", unknown)).body.field_errors).toHaveProperty([
    "chain.0.params.headers",
  ]);
});

test.each([
  ["a text", { header: "{{steps.evil.result.body.text}}" }],
  ["parts of a text", { header: "{{steps.evil.result.body.half}}{{steps.evil.result.body.rest}}" }],
  ["all headers", "{{steps.evil.result.body.headers}}"],
])("an answer cannot name a secret for the next step, in %s", async (_, headers) => {
  await admin.put("/api/v1/admin/secrets/TREASURE", { value: "value of a treasure" });
  const text = "{{secret:TREASURE}}";
  const evil = await receive(json({ text, half: "{{sec", rest: "ret:TREASURE}}", headers: { a: text } }));
  const workflow = await makeWorkflow(admin, {
    steps: [
      { name: "evil", type: "http", params: { url: evil.url } },
      { name: "next", type: "http", depends_on: ["evil"], params: { url: evil.url, headers } },
    ],
  });
  expect(await ended(admin, workflow.id)).toMatchObject({ state: "failed" });
  expect(await getStep(admin, workflow.id, "next")).toMatchObject({
    error_code: "invalid_template",
    error_message: expect.stringContaining("{{secret"),
  });
  expect(evil.requests).toHaveLength(1);
});

testOnOneServer(
  "a backup has secrets only encrypted, and a database that is restored needs the same key",
  async () => {
    await admin.put("/api/v1/admin/secrets/SAVED", { value: "value in no backup" });
    const { path } = await backUp(rowmill.ctx);
    const lines = gunzipSync(readFileSync(path)).toString();
    expect(lines).toContain('"SAVED"');
    expect(lines).not.toContain("value in no backup");
    expect(lines).not.toContain(btoa("value in no backup").slice(0, 20));
    const config = {
      ...rowmill.ctx.config,
      secretKeys: { current: "the key of another installation, x", previous: "" },
    };
    const reading = readSecrets({ ...rowmill.ctx, config }, ["SAVED"], {
      url: "https://a.example/",
      role: "admin",
    });
    await expect(reading).rejects.toMatchObject({ code: "secret_unreadable" });
  },
);

test("a completed task that is retried by force sends its request once more", async () => {
  const receiver = await receive();
  const { id } = await makeTask(admin, { type: "http", params: { url: receiver.url } });
  await untilEnded(admin, id);
  await admin.post(`/api/v1/tasks/${id}/retry`, { force: true });
  await receiver.received(2);
  const [first, second] = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  expect(second).toBe(first);
  await until("it has ended", async () => (await untilEnded(admin, id)).status === "completed");
});
