/** Schedules over HTTP, and the built-in ones. */
import type { Static } from "typebox";
import { describe, expect, test } from "vitest";
import { removeUnusedFiles } from "../../src/files/remove-unused-files.ts";
import { storeBuiltins } from "../../src/schedules/builtins.ts";
import { runDueTicks } from "../../src/schedules/run/run-due-ticks.ts";
import type { ScheduleView, TickView } from "../../src/schedules/views.ts";
import type { TaskView } from "../../src/tasks/views.ts";
import type { Client, Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { later, storedFile } from "../support/files.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser, useUserPerTest } from "../support/use-rowmill.ts";

type Schedule = Static<typeof ScheduleView>;
interface Listed<T> {
  readonly items: T[];
  readonly next_cursor: string | null;
}

const PATH = "/api/v1/schedules";
const ADMIN = "/api/v1/admin/schedules";
const NOBODY = "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e55";

const rowmill = useRowmill({ settings: { MAX_SCHEDULES_PER_USER: "3" } });
const user = useUserPerTest(rowmill);
const other = useUser(rowmill);
const admin = useAdmin(rowmill);
const operator = useAdmin(rowmill, "olga", "operator");

const NIGHTLY = {
  name: "Nightly",
  cron: "30 2 * * *",
  timezone: "Europe/Berlin",
  task: { type: "generic", params: { seconds: 0 }, title: "At night" },
};

async function create(client: Client, body: object = {}): Promise<Schedule> {
  const answer = await client.post<Schedule>(PATH, { ...NIGHTLY, ...body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

const get = async (client: Client, { id }: Schedule) => (await client.get<Schedule>(`${PATH}/${id}`)).body;

const ticksOf = async (client: Client, { id }: Schedule) =>
  (await client.get<Listed<TickView>>(`${PATH}/${id}/ticks`)).body.items;

describe("a user", () => {
  test("creates, gets, lists, changes and deletes schedules", async () => {
    const answer = await user.post<Schedule>(PATH, NIGHTLY);
    expect(answer.status).toBe(201);
    const { body: created } = answer;
    expect(answer.headers.get("location")).toBe(`${PATH}/${created.id}`);
    expect(created).toMatchObject({
      ...NIGHTLY,
      user_id: user.userId,
      builtin: null,
      workflow: null,
      is_enabled: true,
      missed: "skip",
      overlap: "skip",
      last_tick: null,
    });
    expect(created.next_ticks).toHaveLength(5);
    expect(created.next_ticks[0]).toBe(created.next_run_at);
    expect(await get(user, created)).toEqual(created);

    const changed = await user.patch<Schedule>(`${PATH}/${created.id}`, {
      cron: "@hourly",
      timezone: "UTC",
      name: "Every hour",
      task: { type: "generic" },
      starts_at: "2030-01-01T00:10:00Z",
      ends_at: "2030-01-01T02:00:00Z",
      missed: "once",
      overlap: "queue",
      jitter_seconds: 0,
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      name: "Every hour",
      task: { type: "generic" },
      next_ticks: ["2030-01-01T01:00:00.000Z", "2030-01-01T02:00:00.000Z"],
    });
    const unlimited = await user.patch<Schedule>(`${PATH}/${created.id}`, { starts_at: null, ends_at: null });
    expect(unlimited.body.next_ticks).toHaveLength(5);
    const disabled = await user.patch<Schedule>(`${PATH}/${created.id}`, { is_enabled: false });
    expect(disabled.body).toMatchObject({ is_enabled: false, next_run_at: null, next_ticks: [] });

    await create(user, { name: "Second" });
    const first = (await user.get<Listed<Schedule>>(`${PATH}?limit=1`)).body;
    const rest = (await user.get<Listed<Schedule>>(`${PATH}?limit=1&cursor=${first.next_cursor}`)).body;
    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(["Every hour", "Second"]);
    expect(rest.next_cursor).toBeNull();

    expect((await user.delete(`${PATH}/${created.id}`)).status).toBe(204);
    expect((await user.get(`${PATH}/${created.id}`)).status).toBe(404);
  });

  test.each<[string, object, RegExp]>([
    ["name", { name: "" }, /at least 1 character/],
    ["cron", { cron: "61 * * * *" }, /has the minute `61`/],
    ["cron", { cron: "0 * * * * *" }, /6 fields and needs 5: minute, hour.*Seconds are not supported/],
    ["cron", { cron: "0 0 30 2 *" }, /no tick within the next 5 years/],
    ["timezone", { timezone: "Europe/Atlantis" }, /IANA/],
    ["task", { task: undefined }, /is required, or `workflow`/],
    ["workflow", { workflow: { chain: [{ type: "generic" }] } }, /cannot be combined/],
    ["workflow.chain.0.type", { task: undefined, workflow: { chain: [{ type: "none" }] } }, /none/],
    ["task.type", { task: { type: "none" } }, /none/],
    ["task.params.seconds", { task: { type: "generic", params: { seconds: "x" } } }, /number/],
    ["task.params.colour", { task: { type: "generic", params: { colour: 1 } } }, /not a parameter/],
    ["task.file_path", { task: { type: "document" } }, /required/],
    ["task.file_id", { task: { type: "document", file_id: NOBODY } }, /one of your files/],
    ["missed", { missed: "never" }, /one of: skip, once/],
    ["overlap", { overlap: "never" }, /one of: skip, queue, allow, replace/],
    ["jitter_seconds", { jitter_seconds: 3601 }, /at most 3600/],
    ["jitter_seconds", { cron: "*/5 * * * *", jitter_seconds: 300 }, /less than the 300 s between two ticks/],
    [
      "jitter_seconds",
      { cron: "0,5,10,15,20,25,26,30,35,40,45,50,55 * * * *", jitter_seconds: 60 },
      /less than the 60 s between two ticks/,
    ],
    ["ends_at", { ends_at: "2020-01-01T00:00:00Z" }, /in the future/],
    ["ends_at", { starts_at: "2031-01-01T00:00:00Z", ends_at: "2030-01-01T00:00:00Z" }, /after `starts_at`/],
    ["starts_at", { starts_at: "0001-01-01T00:00:00Z" }, /from 1970/],
    ["secret", { secret: 1 }, /not a known field/],
  ])("gets 400 for a bad %s: %j", async (field, body, message) => {
    const { status, body: problem } = await user.post<Problem>(PATH, { ...NIGHTLY, ...body });
    expect({ status, fields: Object.keys(problem.field_errors) }).toEqual({ status: 400, fields: [field] });
    expect(problem.field_errors[field]?.join()).toMatch(message);
  });

  test("cannot change a schedule to something that could not be created", async () => {
    const schedule = await create(user);
    await create(user, { name: "Second" });
    const change = async (body: object) => {
      const { status, body: problem } = await user.patch<Problem>(`${PATH}/${schedule.id}`, body);
      return [status, ...Object.keys(problem.field_errors ?? {})];
    };
    expect(await change({ cron: "* * *" })).toEqual([400, "cron"]);
    expect(await change({ cron: "* * *", is_enabled: false })).toEqual([400, "cron"]);
    expect(await change({ jitter_seconds: 60, cron: "* * * * *" })).toEqual([400, "jitter_seconds"]);
    expect(await change({ task: { type: "none" } })).toEqual([400, "task.type"]);
    expect(await change({ task: { type: "cleanup_old_logs" } })).toEqual([403]);
    expect(await change({ name: "SECOND" })).toEqual([409]);
    expect(await change({})).toEqual([400, "body"]);
    expect(await get(user, schedule)).toEqual(schedule);
  });

  test("a user has a limited number of schedules, with names of their own", async () => {
    await create(user, { name: "a" });
    await create(other, { name: "a" });
    expect((await user.post(PATH, { ...NIGHTLY, name: "A" })).status).toBe(409);
    await create(user, { name: "b" });
    await create(user, { name: "c" });
    const full = await user.post<Problem>(PATH, { ...NIGHTLY, name: "d" });
    expect(full.status).toBe(413);
    expect(full.body.detail).toBe(
      "You have 3 schedules. The limit is 3 (MAX_SCHEDULES_PER_USER). Delete schedules that you no longer need.",
    );
  });

  test("creates a schedule once per Idempotency-Key", async () => {
    const send = () => user.post<Schedule>(PATH, NIGHTLY, { "idempotency-key": "once" });
    const [first, second] = [await send(), await send()];
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id]);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
  });

  test("runs a schedule now, once per Idempotency-Key", async () => {
    const [schedule, second] = [await create(user), await create(user, { name: "Second" })];
    const run = ({ id }: Schedule, body?: object, key?: string) =>
      user.post<TickView>(`${PATH}/${id}/run`, body, key ? { "idempotency-key": key } : {});
    const { status, body: tick } = await run(schedule, {}, "run");
    expect(status).toBe(201);
    expect(tick).toMatchObject({ state: "created", is_manual: true });
    expect((await run(schedule, {}, "run")).body).toEqual(tick);
    expect((await run(second, {}, "run")).status).toBe(422);
    const { body: task } = await user.get<TaskView>(`/api/v1/tasks/${tick.task_id}`);
    expect(task).toMatchObject({ schedule_id: schedule.id, title: "At night", user_id: user.userId });
    const skipped = await run(schedule, { obey_overlap: true });
    expect(skipped.body).toMatchObject({ state: "skipped", code: "overlap", blocked_by: tick.task_id });
    expect((await run(schedule)).body.state).toBe("created");
    const ticks = await ticksOf(user, schedule);
    expect(ticks.map(({ state }) => state)).toEqual(["created", "skipped", "created"]);
    const now = await get(user, schedule);
    expect(now).toMatchObject({ next_run_at: schedule.next_run_at, last_tick: ticks[0] });
    const page = (await user.get<Listed<TickView>>(`${PATH}/${schedule.id}/ticks?limit=2`)).body;
    const path = `${PATH}/${schedule.id}/ticks?limit=2&cursor=${page.next_cursor}`;
    expect([...page.items, ...(await user.get<Listed<TickView>>(path)).body.items]).toEqual(ticks);
  });

  test("a user gets the refusal of a task that runs now, without a tick", async () => {
    const { id } = await storedFile(user, "one two");
    const schedule = await create(user, { task: { type: "document", file_id: id } });
    await user.delete(`/api/v1/files/${id}`);
    const { status, body } = await user.post<Problem>(`${PATH}/${schedule.id}/run`);
    expect([status, Object.keys(body.field_errors)]).toEqual([400, ["file_id"]]);
    expect(await ticksOf(user, schedule)).toEqual([]);
  });

  test("previews ticks", async () => {
    const preview = (body: object) => user.post<{ next_ticks: string[] }>(`${PATH}/preview`, body);
    const { body } = await preview({ cron: "0 0 29 2 *", count: 2 });
    expect(body.next_ticks).toEqual(["2028-02-29T00:00:00.000Z", "2032-02-29T00:00:00.000Z"]);
    expect((await preview({ cron: "@daily", timezone: "Asia/Kolkata" })).body.next_ticks).toHaveLength(5);
    for (const wrong of [{ cron: "x" }, { cron: "@daily", timezone: "x" }, { cron: "@daily", count: 21 }, {}])
      expect((await preview(wrong)).status).toBe(400);
  });

  test("cannot see or touch the schedules of others and the built-in ones", async () => {
    await storeBuiltins(rowmill.ctx);
    const schedule = await create(user);
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT id FROM rowmill.schedules WHERE builtin IS NOT NULL LIMIT 1",
    );
    for (const id of [schedule.id, rows[0]?.id, NOBODY]) {
      const statuses = await Promise.all([
        other.get(`${PATH}/${id}`),
        other.get(`${PATH}/${id}/ticks`),
        other.patch(`${PATH}/${id}`, { is_enabled: false }),
        other.delete(`${PATH}/${id}`),
        other.post(`${PATH}/${id}/run`),
      ]);
      expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
      expect((await other.get(`${ADMIN}/${id}`)).status).toBe(403);
    }
    expect(await get(user, schedule)).toEqual(schedule);
    expect((await user.get(`${PATH}?cursor=x`)).status).toBe(400);
    expect((await rowmill.client.get(PATH)).status).toBe(401);
  });

  test("a user keeps the files that schedules name", async () => {
    const byId = await storedFile(user, "one");
    const byPath = await storedFile(user, "two", { path: "in/two.txt" });
    const unused = await storedFile(user, "three");
    await create(user, { name: "id", task: { type: "document", file_id: byId.id } });
    await create(user, { name: "path", task: { type: "document", file_path: "in/two.txt" } });
    await removeUnusedFiles(later(rowmill, 40 * 86_400));
    const statuses = [byId, byPath, unused].map(({ id }) => user.get(`/api/v1/files/${id}`));
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 200, 404]);
  });
});

describe("administrators and operators", () => {
  const audited = async () => {
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT action, actor_id::int AS actor, owner_id::int AS owner FROM rowmill.audit_log ORDER BY id",
    );
    return rows;
  };

  async function builtin(name: string): Promise<Schedule> {
    const { body } = await admin.get<Listed<Schedule>>(`${ADMIN}?limit=4`);
    const found = body.items.find((schedule) => schedule.builtin === name);
    if (!found) throw new Error(`no schedule of ${name}`);
    return found;
  }

  test("list built-in schedules first, and admins change and run them", async () => {
    await storeBuiltins(rowmill.ctx);
    await create(user);
    for (const client of [operator, admin]) {
      const { body } = await client.get<Listed<Schedule>>(`${ADMIN}?limit=1000`);
      expect(
        body.items.slice(0, 4).map(({ builtin, cron, is_enabled }) => [builtin, cron, is_enabled]),
      ).toEqual([
        ["upkeep.clean", "0 0 * * *", true],
        ["report.daily", "5 0 * * *", true],
        ["report.weekly", "15 0 * * 1", true],
        ["backup.run", "0 2 * * *", false],
      ]);
      expect(body.items.some(({ user_id }) => user_id === user.userId)).toBe(true);
    }
    const clean = await builtin("upkeep.clean");
    expect((await operator.patch(`${ADMIN}/${clean.id}`, { is_enabled: false })).status).toBe(403);
    expect((await operator.post(`${ADMIN}/${clean.id}/run`)).status).toBe(403);
    expect((await operator.get<Schedule>(`${ADMIN}/${clean.id}`)).body.next_ticks).toHaveLength(5);
    const before = (await audited()).length;
    const changes = { cron: "0 3 * * *", timezone: "Europe/Berlin", missed: "once" };
    const changed = await admin.patch<Schedule>(`${ADMIN}/${clean.id}`, changes);
    expect(changed.body).toMatchObject(changes);
    expect((await admin.patch<Problem>(`${ADMIN}/${clean.id}`, { name: "x" })).status).toBe(400);
    // The setting has no effect any more.
    await storeBuiltins({ ...rowmill.ctx, config: { ...rowmill.config, cleanupCron: "7 7 * * *" } });
    expect((await builtin("upkeep.clean")).cron).toBe("0 3 * * *");
    const ran = await admin.post<TickView>(`${ADMIN}/${clean.id}/run`);
    expect(ran).toMatchObject({ status: 201, body: { state: "created", is_manual: true, task_id: null } });
    const { rows } = await rowmill.ctx.pool.query("SELECT name FROM rowmill_queue.job WHERE id = $1", [
      ran.body.job_id,
    ]);
    expect(rows).toEqual([{ name: "upkeep.clean" }]);
    const { body: ticks } = await operator.get<Listed<TickView>>(`${ADMIN}/${clean.id}/ticks`);
    expect(ticks.items).toEqual([ran.body]);
    expect((await audited()).slice(before)).toEqual([
      { action: "schedule.updated", actor: admin.userId, owner: null },
      { action: "schedule.run", actor: admin.userId, owner: null },
    ]);
  });

  test("admins stop the schedules of users, and nothing else of them", async () => {
    const schedule = await create(user);
    const path = `${ADMIN}/${schedule.id}`;
    const refused = await admin.patch<Problem>(path, { cron: "@daily" });
    expect([refused.status, Object.keys(refused.body.field_errors)]).toEqual([400, ["cron"]]);
    expect((await admin.patch(path, { is_enabled: false })).status).toBe(200);
    expect(await get(user, schedule)).toMatchObject({ is_enabled: false, next_run_at: null });
    expect((await audited()).at(-1)).toEqual({
      action: "schedule.updated",
      actor: admin.userId,
      owner: user.userId,
    });
    // Changes of one's own schedules are not audited.
    const length = (await audited()).length;
    await user.patch(`${PATH}/${schedule.id}`, { is_enabled: true });
    expect(await audited()).toHaveLength(length);
  });

  test("ticks of built-in schedules enqueue their jobs once, and not while the last one waits", async () => {
    await storeBuiltins(rowmill.ctx);
    const daily = await builtin("report.daily");
    const day = new Date(daily.next_run_at ?? "");
    const ctx = (days: number) => ({
      ...rowmill.ctx,
      now: () => new Date(day.getTime() + days * 86_400_000 + 1000),
    });
    await Promise.all([1, 2].map(() => runDueTicks(ctx(0))));
    await runDueTicks(ctx(1));
    const { body } = await operator.get<Listed<TickView>>(`${ADMIN}/${daily.id}/ticks`);
    expect(body.items.map(({ state, code }) => [state, code])).toEqual([
      ["skipped", "overlap"],
      ["created", null],
    ]);
    expect(body.items[0]?.blocked_by).toBe(body.items[1]?.job_id);
  });
});

test("workers store the built-in schedules, and take over those of versions before 0.7.0", async () => {
  await using rowmill = await startRowmill();
  const { pool } = rowmill.ctx;
  const ofQueue = async () =>
    (await pool.query("SELECT name FROM rowmill_queue.schedule ORDER BY name")).rows;
  const clean = async () =>
    (await pool.query("SELECT cron FROM rowmill.schedules WHERE builtin = 'upkeep.clean'")).rows;
  await pool.query(
    "INSERT INTO rowmill_queue.schedule (name, key, cron, timezone) VALUES ('upkeep.clean', '', '0 0 * * *', 'UTC')",
  );
  const worker = await rowmill.startWorker();
  expect(await ofQueue()).toEqual([{ name: "upkeep.reconcile" }]);
  expect(await clean()).toEqual([{ cron: "0 0 * * *" }]);
  await rowmill.startWorker({ CLEANUP_CRON: "30 4 * * 0" });
  expect(await clean()).toEqual([{ cron: "30 4 * * 0" }]);

  // pg-boss has not enqueued the job of this minute yet, and its schedule is gone.
  await pool.query("DELETE FROM rowmill.schedules WHERE builtin = 'upkeep.clean'");
  const minute = new Date(Math.floor(rowmill.ctx.now().getTime() / 60_000) * 60_000);
  const cleanupCron = `${minute.getUTCMinutes()} ${minute.getUTCHours()} * * *`;
  const lateCtx = { ...worker, now: () => new Date(minute.getTime() + 20_000) };
  await storeBuiltins({ ...lateCtx, config: { ...worker.config, cleanupCron } });
  await runDueTicks(lateCtx);
  const { rows: ticks } = await pool.query(
    "SELECT tick_at, state FROM rowmill.schedule_ticks JOIN rowmill.schedules ON id = schedule_id WHERE builtin = 'upkeep.clean'",
  );
  expect(ticks).toEqual([{ tick_at: minute, state: "created" }]);

  await expect(rowmill.startWorker({ CLEANUP_CRON: "0 0 30 2 *" })).rejects.toThrow(
    'CLEANUP_CRON: "0 0 30 2 *" has no tick within the next 5 years.',
  );
});

test("a worker runs a tick within two seconds of its time", async () => {
  await using rowmill = await startRowmill();
  const { ctx } = rowmill;
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const { body: schedule } = await user.post<Schedule>(PATH, { ...NIGHTLY, cron: "* * * * *" });
  await ctx.pool.query(
    "UPDATE rowmill.schedules SET next_run_at = date_trunc('second', now()) + interval '2 s' WHERE id = $1",
    [schedule.id],
  );
  await user.patch(`${PATH}/${schedule.id}`, { description: "Adds the job of the next tick." });
  const delay = await until("the tick has run", async () => {
    const { rows } = await ctx.pool.query<{ delay: number }>(
      `SELECT extract(epoch FROM tasks.created_at - schedules.updated_at)::float8 AS delay FROM rowmill.tasks
        JOIN rowmill.schedules ON schedules.id = tasks.schedule_id`,
    );
    return rows[0]?.delay ?? null;
  });
  expect(delay).toBeGreaterThan(1);
  expect(await count(ctx.pool, "SELECT count(*) FROM rowmill.tasks")).toBe(1);
});
