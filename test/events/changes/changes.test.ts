import { describe, expect, test } from "vitest";
import { announce } from "../../../src/announcements/announce.ts";
import type { BatchView } from "../../../src/batches/views.ts";
import { inTransaction, publishChange } from "../../../src/context.ts";
import { WORKFLOW_CHANNEL } from "../../../src/tasks/transitions.ts";
import { newAdmin } from "../../support/admin.ts";
import { csv } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { EventClient, type Received } from "../../support/events.ts";
import { atEnd } from "../../support/rowmill.ts";
import { startSecondApi } from "../../support/second-api.ts";
import { type Bulk, getTask, makeTask } from "../../support/task-client.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";
import { getWorkflow, makeWorkflow, quick } from "../../support/workflows.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);

const EVENTS = "/api/v1/events";

interface Data {
  readonly id?: string;
  readonly state?: string;
  readonly status?: string;
  readonly kind?: string;
  readonly unread?: number;
  readonly newest_id?: string | null;
}

async function follow(client: Client, query: string, url = client.url): Promise<EventClient<Data>> {
  const stream = await EventClient.open<Data>(`${url}${EVENTS}?${query}`, {
    authorization: `Bearer ${client.token}`,
  });
  atEnd(async () => stream.leave());
  return stream;
}

const notify = (to: Client, subject: string) =>
  inTransaction(rowmill.ctx, (tx) =>
    announce(tx, {
      kind: "message",
      userId: to.userId,
      subjectId: subject,
      sequence: 1,
      data: { subject, message: "Hello." },
    }),
  );

const counted = (unread: number) => (event: Received<Data>) =>
  event.event === "notifications" && event.data.unread === unread;

test("two streams get the changes of their own things, on every process", async () => {
  await using second = await startSecondApi(rowmill);
  const [one, two] = [await makeTask(user), await makeTask(user)];
  const first = await follow(user, `tasks=${one.id}`);
  const both = await follow(user, `tasks=${one.id},${two.id}`, second.client.url);
  await first.saw("at first", () => true);
  await both.saw("of the second task", ({ data }) => data.id === two.id);
  await user.post(`/api/v1/tasks/${two.id}/cancel`);
  await user.post(`/api/v1/tasks/${one.id}/cancel`);
  for (const stream of [first, both])
    await stream.saw("of the end", ({ data }) => data.id === one.id && data.status === "cancelled");
  await both.saw("of the end", ({ data }) => data.id === two.id && data.status === "cancelled");
  expect(first.events.every(({ data }) => data.id === one.id)).toBe(true);
});

test("a stream of many ids reports each change, and a deleted thing", async () => {
  const tasks = Array.from({ length: 100 }, () => ({ type: "generic" }));
  const { body } = await user.post<Bulk>("/api/v1/tasks/bulk", { tasks });
  const ids = body.tasks.map(({ id }) => id);
  const stream = await follow(user, `tasks=${ids.join(",")}`);
  for (const id of ids) await stream.saw("at first", ({ data }) => data.id === id);
  expect(stream.events).toHaveLength(100);
  for (const id of ids.slice(50, 60)) await user.post(`/api/v1/tasks/${id}/cancel`);
  const cancelled = () => stream.events.filter(({ data }) => data.status === "cancelled");
  await stream.saw("of the last change", () => cancelled().length === 10);
  expect(cancelled().map(({ data }) => data.id)).toEqual(expect.arrayContaining(ids.slice(50, 60)));
  await user.delete(`/api/v1/tasks/${ids[50]}`);
  const deleted = await stream.saw("of the deletion", ({ event }) => event === "deleted");
  expect(deleted.data).toEqual({ kind: "task", id: ids[50] });
});

test("a client that reconnects gets what it has missed", async () => {
  const task = await makeTask(user);
  const stream = await follow(user, `tasks=${task.id}`);
  await stream.saw("at first", () => true);
  stream.leave();
  await user.post(`/api/v1/tasks/${task.id}/cancel`);
  const again = await follow(user, `tasks=${task.id}`);
  expect((await again.saw("at first", () => true)).data.status).toBe("cancelled");
});

test("a notification read in another tab changes the count, for its user only", async () => {
  const other = await rowmill.newUser();
  await notify(user, "One");
  const mine = await follow(user, "notifications=true");
  const theirs = await follow(other, "notifications=true");
  await mine.saw("of one", counted(1));
  await theirs.saw("of none", counted(0));
  await user.post("/api/v1/notifications/read");
  await mine.saw("of none", counted(0));
  expect(theirs.events).toHaveLength(1);
});

describe("who may follow", () => {
  test("one foreign or unknown id is a 404 for the whole stream, except for operators", async () => {
    const other = await rowmill.newUser();
    const own = await makeTask(user);
    const foreign = await makeTask(other);
    const { body: batch } = await other.upload(csv(1));
    const workflow = await makeWorkflow(other, { chain: [quick()] });
    const queries = [`batches=${batch.id}`, `tasks=${own.id},${foreign.id}`, `workflows=${workflow.id}`];
    for (const query of [...queries, `tasks=${own.id},${crypto.randomUUID()}`]) {
      const { status, body } = await user.get<Problem>(`${EVENTS}?${query}&notifications=true`);
      expect({ query, status, code: body.code }).toEqual({ query, status: 404, code: "not_found" });
    }
    expect((await rowmill.client.get(`${EVENTS}?tasks=${own.id}`)).status).toBe(401);
    const operator = await newAdmin(rowmill, "watcher", "operator");
    const stream = await follow(operator, queries.join("&"));
    for (const { id } of [own, foreign, batch, workflow])
      await stream.saw(`of ${id}`, ({ data }) => data.id === id);
  });

  test("a logout ends the stream", async () => {
    const task = await makeTask(user);
    const stream = await follow(user, `tasks=${task.id}&notifications=true`);
    await stream.saw("at first", () => true);
    await user.post("/api/v1/auth/logout", { refresh: user.refresh });
    await stream.ended();
    expect(stream.isCutOff).toBe(false);
  });
});

test("the limits of a request are named", async () => {
  const ids = (count: number) => Array.from({ length: count }, () => crypto.randomUUID()).join(",");
  const cases = [
    ["", "batches: Name at least one batch, task or workflow, or send notifications=true."],
    ["tasks=7", 'tasks: "7" is not an id.'],
    [`tasks=${ids(101)}`, "tasks: 101 ids are too many. The limit is 100."],
    [
      `tasks=${ids(100)}&batches=${ids(100)}&workflows=${ids(1)}`,
      "batches: 201 ids are too many for one stream. The limit is 200.",
    ],
  ] as const;
  for (const [query, detail] of cases) {
    const { status, body } = await user.get<Problem>(`${EVENTS}?${query}`);
    expect({ status, detail: body.detail }).toEqual({ status: 400, detail });
  }
});

test("a step that starts is an event of its workflow", async () => {
  const workflow = await makeWorkflow(user, { chain: [quick(), quick()] });
  const stream = await follow(user, `workflows=${workflow.id}`);
  const first = await stream.saw("at first", () => true);
  const { steps } = await getWorkflow(user, workflow.id);
  await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET status = 'processing' WHERE id = $1", [
    steps[0]?.task_id,
  ]);
  await inTransaction(rowmill.ctx, (tx) => publishChange(tx, WORKFLOW_CHANNEL, [workflow.id]));
  const second = await stream.saw("of the step", ({ id }) => id !== first.id);
  expect(second.data).toEqual(first.data);
});

test("one stream has a batch, a task, a workflow and the notifications, and stays open after they have ended", async () => {
  await rowmill.startWorker();
  const { body: batch } = await user.upload(csv(3));
  const task = await makeTask(user, { type: "generic", params: { seconds: 0 }, metadata: { order: 1 } });
  const workflow = await makeWorkflow(user, { chain: [quick(), quick()] });
  const stream = await follow(
    user,
    `batches=${batch.id}&tasks=${task.id.toUpperCase()}&workflows=${workflow.id}&notifications=true`,
  );
  for (const { id } of [batch, task, workflow])
    await stream.saw(
      "of the end",
      ({ data }) => data.id === id && (data.state ?? data.status) === "completed",
    );
  const last = (event: string) => stream.events.findLast((received) => received.event === event)?.data;
  const { header: _header, mapping: _mapping, ...listed } = (await user.batch(batch.id)).body as BatchView;
  expect(last("batch")).toEqual(listed);
  const { params: _params, result: _result, metadata: _metadata, ...summary } = await getTask(user, task.id);
  expect(last("task")).toEqual(summary);
  const workflows = (await user.get<{ items: unknown[] }>("/api/v1/workflows")).body.items;
  expect([last("workflow")]).toEqual(workflows);

  await user.post("/api/v1/notifications/read");
  await stream.saw("of no unread notification", counted(0));
  await notify(user, "Later");
  const [newest] = (await user.get<{ items: { id: string }[] }>("/api/v1/notifications")).body.items;
  const { data } = await stream.saw("of it", (event) => event.data.newest_id === newest?.id);
  expect(data).toEqual({ unread: 1, has_more: false, newest_id: newest?.id });
  expect(stream.isEnded).toBe(false);
});
