import { expect, test, vi } from "vitest";
import { inTransaction } from "../../src/context.ts";
import { EventFeed, type Received } from "../../src/events/event-feed.ts";
import type { EventFilter } from "../../src/events/life-event.ts";
import type { viewLifeEvent } from "../../src/events/views.ts";
import { ChangeListener } from "../../src/platform/postgres/change-listener.ts";
import { registerWorker } from "../../src/queues/workers/register-worker.ts";
import { createTasks } from "../../src/tasks/create/create-tasks.ts";
import { newAdmin } from "../support/admin.ts";
import { csv } from "../support/book-files.ts";
import type { Client, Problem } from "../support/client.ts";
import { EventClient } from "../support/events.ts";
import { printed } from "../support/printed.ts";
import { atEnd } from "../support/rowmill.ts";
import { endedTask, newTask } from "../support/tasks.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

type Life = ReturnType<typeof viewLifeEvent> & { readonly count?: number | null };

const EVENTS = "/api/v1/admin/events";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const operator = useAdmin(rowmill, "operator", "operator");
const user = useUser(rowmill);

async function watch(query = "", client: Client = operator, lastId?: string): Promise<EventClient<Life>> {
  const headers = { authorization: `Bearer ${client.token}`, ...(lastId && { "last-event-id": lastId }) };
  const stream = await EventClient.open<Life>(`${rowmill.url}${EVENTS}?${query}`, headers);
  atEnd(async () => stream.leave());
  await until("the feed begins", async () => stream.comments.includes("watching"));
  return stream;
}

const lifeOf = ({ events }: EventClient<Life>, id: string) =>
  events.filter(({ data }) => data.id === id).map(({ data }) => data.event);

/** Collects what a watcher of this process receives. */
async function collect(filter: EventFilter, feed = new EventFeed(rowmill.ctx)) {
  const collected = { received: [] as Received[], isReady: true };
  feed.watch({
    filter,
    isReady: () => collected.isReady,
    receive: (received) => collected.received.push(received),
    end: () => {},
  });
  atEnd(() => feed.close());
  await until("the feed begins", async () => collected.received.length > 0);
  const events = () => collected.received.flatMap((received) => received.events.map(({ event }) => event));
  const skipped = () => collected.received.reduce((sum, received) => sum + (received.skipped ?? 0), 0);
  return Object.assign(collected, { feed, events, skipped });
}

test("the lives of a worker, a task, its job and a batch arrive in order, for each watcher as filtered", async () => {
  const { ctx } = rowmill;
  const worker = await rowmill.startWorker();
  const registered = await registerWorker(worker, () => {});
  await endedTask(ctx, await newTask(ctx, user.userId));
  const { rows } = await ctx.pool.query("SELECT watched_until, job_events FROM rowmill.workers");
  expect(rows).toEqual([{ watched_until: null, job_events: null }]);

  const all = await watch();
  const tasks = await watch(`kinds=task&user_id=${user.userId}`, admin);
  const other = await newTask(ctx, operator.userId);
  const task = await newTask(ctx, user.userId);
  const { body: batch } = await user.upload(csv(3));
  await all.saw("of the end of the batch", ({ data }) => data.id === batch.id && data.event === "completed");
  expect(lifeOf(all, batch.id)).toEqual(["receiving", "queued", "processing", "completed"]);
  await tasks.saw("of the end of the task", ({ data }) => data.id === task && data.event === "completed");
  expect(lifeOf(tasks, task)).toEqual(["created", "queued", "started", "completed"]);
  expect(lifeOf(tasks, other)).toEqual([]);
  expect(lifeOf(all, other)).toEqual(["created", "queued", "started", "completed"]);
  expect(new Set(tasks.events.map(({ event }) => event))).toEqual(new Set(["task"]));
  const job = await all.saw(
    "of the end of its job",
    ({ data }) => data.details.task_id === task && data.event === "completed",
  );
  expect(job.data).toMatchObject({ kind: "job", type: "task.default", user_id: user.userId });
  expect(job.data).toMatchObject({ worker: registered.id, details: { seconds: expect.any(Number) } });
  expect(lifeOf(all, job.data.id)).toEqual(["started", "completed"]);

  await registered.markStopping();
  await all.saw("that it stops", ({ data }) => data.id === registered.id && data.event === "stopping");
  await registered[Symbol.asyncDispose]();
  await all.saw("that it has stopped", ({ data }) => data.id === registered.id && data.event === "stopped");
  await using next = await registerWorker(worker, () => {});
  await all.saw("that it starts", ({ data }) => data.id === next.id && data.event === "started");
  await ctx.pool.query("UPDATE rowmill.workers SET last_seen_at = now() - interval '31 seconds'");
  await all.saw("that it is lost", ({ data }) => data.id === next.id && data.event === "lost");
});

test("only operators and admins watch, filters are checked, and a lost role ends the stream", async () => {
  expect((await user.get(EVENTS)).status).toBe(403);
  const { status, body } = await operator.get<Problem>(`${EVENTS}?kinds=task,row`);
  expect({ status, detail: body.detail }).toEqual({
    status: 400,
    detail: 'kinds: "row" is not one of: task, batch, workflow, job, worker.',
  });
  const demoted = await newAdmin(rowmill, "demoted", "operator");
  const stream = await watch("", demoted);
  await admin.patch(`/api/v1/accounts/${demoted.userId}`, { role: "user" });
  await stream.ended();
});

test("a task that is committed after later ones is not lost", async () => {
  const { ctx } = rowmill;
  const { events } = await collect({ kinds: new Set(["task"]) });
  const [isCreated, mayCommit] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
  const late = inTransaction(ctx, async (tx) => {
    isCreated.resolve(await newTask(tx, user.userId));
    await mayCommit.promise;
  });
  const first = await isCreated.promise;
  const second = await newTask(ctx, operator.userId);
  await until("the later task is seen", async () => events().some(({ id }) => id === second));
  expect(events().some(({ id }) => id === first)).toBe(false);
  mayCommit.resolve();
  await late;
  await until("the earlier task is seen", async () => events().some(({ id }) => id === first));
});

test("a watcher gets the latest events of a burst or of a pause, and the number of the others", async () => {
  const { ctx } = rowmill;
  const filter: EventFilter = { kinds: new Set(["task"]), userId: user.userId };
  const fast = await collect(filter);
  const paused = await collect(filter, fast.feed);
  paused.isReady = false;
  const requests = Array.from({ length: 150 }, () => ({ type: "generic", params: { seconds: 0 } }));
  await createTasks(ctx, user.userId, requests);
  await until("the burst has arrived", async () => fast.events().length + fast.skipped() >= 300);
  expect(fast.events().length).toBeGreaterThanOrEqual(100);
  expect(fast.skipped()).toBeGreaterThanOrEqual(200);
  expect(paused.events()).toEqual([]);
  paused.isReady = true;
  await until("the rest is counted", async () => paused.skipped() > 0);
  expect(paused.received[1]?.events).toHaveLength(100);
  expect(paused.received[1]?.skipped).toBeGreaterThanOrEqual(200);
});

test("a client that reconnects gets the events of the meantime, or hears that some are missing", async () => {
  const { ctx } = rowmill;
  const first = await watch(`kinds=task&user_id=${operator.userId}`);
  const known = await newTask(ctx, operator.userId);
  const { id } = await first.saw(
    "of the task",
    ({ data }) => data.id === known && data.event === "completed",
  );
  first.leave();
  const missed = await newTask(ctx, operator.userId);
  await endedTask(ctx, missed);
  const second = await watch("kinds=task", operator, id);
  await second.saw("of the missed task", ({ data }) => data.id === missed);
  expect(second.events.filter(({ event }) => event === "skipped")).toEqual([]);
  const third = await watch("", operator, "another_7");
  expect(third.events[0]).toMatchObject({ event: "skipped", data: { count: null } });
});

test("without NOTIFY, the feed polls", async () => {
  const { config, log } = rowmill.ctx;
  const listener = new ChangeListener(config, false, log);
  atEnd(() => listener.close());
  const { events } = await collect({}, new EventFeed({ ...rowmill.ctx, listener }));
  const task = await newTask(rowmill.ctx, user.userId);
  const { body: batch } = await user.upload(csv(2));
  const endsOf = (id: string) =>
    events().some(({ id: of, event }) => of === id && event.startsWith("completed"));
  await until("both have ended", async () => endsOf(task) && endsOf(batch.id));
});

test("the command prints one line per event until Ctrl-C", async () => {
  const printing = printed(rowmill, "events --kind task,worker --type generic --user operator");
  const lines = () => vi.spyOn(console, "log").mock.calls.join("\n");
  await until("an end is printed", async () => {
    await endedTask(rowmill.ctx, await newTask(rowmill.ctx, operator.userId));
    return lines().includes(" completed ");
  });
  process.emit("SIGINT");
  expect(await printing).toMatch(
    new RegExp(
      `^20\\S+Z task {5}completed {2}[0-9a-f-]{36} generic {10}user=${operator.userId} number=\\d+`,
      "m",
    ),
  );
  await expect(printed(rowmill, "events --kind row")).rejects.toThrow(
    'Unknown kind "row". Use one of: task, batch, workflow, job, worker.',
  );
});
