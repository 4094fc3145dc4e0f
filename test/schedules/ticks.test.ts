/** The ticks of schedules, with a clock that the tests set. */
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { disableAccount, enableAccount } from "../../src/accounts/control/disable-account.ts";
import { type Context, inTransaction } from "../../src/context.ts";
import { createSchedule, type NewSchedule } from "../../src/schedules/control/create-schedule.ts";
import { runSchedule } from "../../src/schedules/control/run-schedule.ts";
import { updateSchedule } from "../../src/schedules/control/update-schedule.ts";
import { getSchedule, listTicks, type Schedule, type Tick } from "../../src/schedules/queries.ts";
import { removeOldTicks } from "../../src/schedules/remove-old-ticks.ts";
import { KEPT_TICKS } from "../../src/schedules/run/record-tick.ts";
import { runDueTicks } from "../../src/schedules/run/run-due-ticks.ts";
import { MAX_WAITING } from "../../src/schedules/run/run-tick.ts";
import { schedules } from "../../src/schema/schedules.ts";
import { cancelTask } from "../../src/tasks/control/cancel-task.ts";
import { getTask } from "../../src/tasks/queries.ts";
import { advanceWorkflow } from "../../src/workflows/advance/advance-workflow.ts";
import { cancelWorkflow } from "../../src/workflows/control/cancel-workflow.ts";
import { createWorkflow } from "../../src/workflows/create/create-workflow.ts";
import { readWorkflow } from "../../src/workflows/create/read-workflow.ts";
import { getWorkflow, getWorkflowDetail } from "../../src/workflows/queries.ts";
import { count, countRowWaits } from "../support/count.ts";
import { storedFile } from "../support/files.ts";
import { explaining } from "../support/plans.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);

const at = (moment: string | Date): Context => ({ ...rowmill.ctx, now: () => new Date(moment) });

afterEach(() => rowmill.ctx.pool.query("DELETE FROM rowmill.schedules"));

/** A schedule that was created at this time. */
function scheduleAt(
  moment: string,
  fields: Partial<NewSchedule> = {},
  userId = user.userId,
): Promise<Schedule> {
  const body = { type: "generic", params: { seconds: 0 } };
  return inTransaction(at(moment), (tx) =>
    createSchedule(tx, userId, {
      ...{ name: "one", cron: "0 * * * *" },
      ...(fields.workflow ? {} : { task: body }),
      ...fields,
    }),
  );
}

async function ticksOf({ id }: Schedule): Promise<Tick[]> {
  return (await listTicks(rowmill.ctx, id, null, 1000)).items.toReversed();
}

/** Lets the time pass, with workers that look whenever a tick of this schedule is due. */
async function forward({ id }: Schedule, end: string): Promise<void> {
  for (;;) {
    const { nextRunAt } = await getSchedule(rowmill.ctx, null, id);
    if (!nextRunAt || nextRunAt > new Date(end)) return;
    await runDueTicks(at(nextRunAt));
  }
}

const FOR_ADMINS = { type: "cleanup_old_logs" };

const setRole = (role: string) =>
  rowmill.ctx.pool.query("UPDATE rowmill.users SET role = $2 WHERE id = $1", [user.userId, role]);

const tickJobs = () =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill_queue.job WHERE name = 'schedule.run-ticks'");

const tasksOf = ({ id }: Schedule) =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.tasks WHERE schedule_id = $1", [id]);

describe("fast-forward", () => {
  test.each<[string, string, string, string, number]>([
    ["hourly over the end of summer time", "0 * * * *", "2026-11-01T03:59Z", "2026-11-02T04:59Z", 25],
    ["daily over the end of summer time", "30 1 * * *", "2026-10-29T12:00Z", "2026-11-05T12:00Z", 7],
    ["daily over the start of summer time", "30 2 * * *", "2026-03-04T12:00Z", "2026-03-11T12:00Z", 7],
  ])("%s: %s creates one task per tick", async (_what, cron, from, until, expected) => {
    const timezone = "America/New_York";
    const schedule = await scheduleAt(from, { cron, timezone, overlap: "allow" });
    await forward(schedule, until);
    const ticks = await ticksOf(schedule);
    expect(ticks).toHaveLength(expected);
    expect(new Set(ticks.map(({ taskId }) => taskId)).size).toBe(expected);
    expect(await tasksOf(schedule)).toBe(expected);
    for (const { taskId, state } of ticks) {
      expect(state).toBe("created");
      const task = await getTask(rowmill.ctx, user.userId, taskId ?? "");
      expect(task).toMatchObject({ scheduleId: schedule.id, status: "pending" });
    }
  });
});

test("workers that run ticks at the same time create one task per tick", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const created = await Promise.all(names.map((name) => scheduleAt("2026-05-01T00:30Z", { name })));
  const due = at("2026-05-01T01:00:01Z");
  const ran = await Promise.all([1, 2, 3].map(() => runDueTicks(due)));
  expect(ran.reduce((sum, one) => sum + one, 0)).toBe(names.length);
  for (const schedule of created) expect(await tasksOf(schedule)).toBe(1);
  expect(await runDueTicks(due)).toBe(0);
});

test("users take turns", async () => {
  const { userId: other } = await rowmill.newUser();
  for (const name of ["a", "b", "c"]) await scheduleAt("2026-06-01T00:30Z", { name });
  await scheduleAt("2026-06-01T00:40Z", { name: "late", cron: "1 * * * *" }, other);
  await runDueTicks(at("2026-06-01T01:02Z"));
  const { rows } = await rowmill.ctx.pool.query<{ user_id: string }>(
    "SELECT user_id FROM rowmill.tasks WHERE user_id = ANY($1) ORDER BY number",
    [[user.userId, other]],
  );
  expect(rows.map(({ user_id }) => Number(user_id)).indexOf(other)).toBe(1);
});

describe("ticks that are due together", () => {
  const due = "2026-06-02T01:00:01Z";

  async function statementsOf(schedules: number, others: readonly number[]): Promise<number> {
    for (const userId of [user.userId, ...others])
      for (let n = 0; n < schedules; n++) await scheduleAt("2026-06-02T00:30Z", { name: `${n}` }, userId);
    await using counted = await explaining(at(due));
    const before = counted.statements;
    expect(await runDueTicks(counted)).toBe(schedules * (1 + others.length));
    await rowmill.ctx.pool.query("DELETE FROM rowmill.schedules");
    return counted.statements - before;
  }

  test("need as many statements for 3 as for 60", async () => {
    const others = [(await rowmill.newUser()).userId, (await rowmill.newUser()).userId];
    // The first ticks of a user count what the user has.
    await statementsOf(1, others);
    const forThree = await statementsOf(1, others);
    expect(await statementsOf(20, others)).toBe(forThree);
  });

  test("ticks that are missed, and those of disabled users, do not stop the others that are due", async () => {
    const healthy = await scheduleAt("2026-06-02T00:30Z", { name: "healthy" });
    const late = await scheduleAt("2026-06-01T00:30Z", { name: "late" });
    const other = await rowmill.newUser();
    const disabled = await scheduleAt("2026-06-02T00:30Z", { name: "disabled" }, other.userId);
    await disableAccount(rowmill.ctx, other.userId);
    expect(await runDueTicks(at(due))).toBe(3);
    expect(await ticksOf(healthy)).toMatchObject([{ state: "created" }]);
    expect(await ticksOf(late)).toMatchObject([{ code: "missed", missedCount: 24 }, { state: "created" }]);
    expect(await ticksOf(disabled)).toMatchObject([{ state: "failed", code: "account_disabled" }]);
  });
});

test("a schedule that cannot be read does not stop the others", async () => {
  const broken = await scheduleAt("2026-07-01T00:30Z", { name: "broken" });
  const unknown = await scheduleAt("2026-07-01T00:30Z", { name: "unknown" });
  const healthy = await scheduleAt("2026-07-01T00:30Z", { name: "healthy" });
  const change = (id: string, set: object) =>
    rowmill.ctx.db.update(schedules).set(set).where(eq(schedules.id, id));
  await change(broken.id, { cron: "not cron" });
  await change(unknown.id, { task: { type: "gone" } });
  expect(await runDueTicks(at("2026-07-01T01:00Z"))).toBe(2);
  expect(await ticksOf(healthy)).toMatchObject([{ state: "created" }]);
  expect(await ticksOf(unknown)).toMatchObject([{ state: "failed", code: "invalid_input" }]);
  expect(await ticksOf(broken)).toEqual([]);
});

describe("missed ticks", () => {
  const HOURLY_MISSED = { tickAt: new Date("2026-05-02T01:00Z"), state: "skipped", code: "missed" };

  test("skip: they are counted, and the latest runs if it is not late", async () => {
    const schedule = await scheduleAt("2026-05-02T00:30Z");
    await runDueTicks(at("2026-05-02T04:05Z"));
    expect(await ticksOf(schedule)).toMatchObject([
      { ...HOURLY_MISSED, missedCount: 3, reason: "3 ticks passed while no worker ran." },
      { state: "created", tickAt: new Date("2026-05-02T04:00Z") },
    ]);
  });

  test("skip: nothing runs if the latest is late", async () => {
    const schedule = await scheduleAt("2026-05-02T00:30Z");
    await runDueTicks(at("2026-05-02T04:30Z"));
    expect(await ticksOf(schedule)).toMatchObject([{ ...HOURLY_MISSED, missedCount: 4 }]);
    const { nextRunAt } = await getSchedule(rowmill.ctx, null, schedule.id);
    expect(nextRunAt).toEqual(new Date("2026-05-02T05:00Z"));
  });

  test("once: the latest runs late, and only it", async () => {
    const schedule = await scheduleAt("2026-05-02T00:30Z", { missed: "once" });
    await runDueTicks(at("2026-05-02T04:30Z"));
    expect(await ticksOf(schedule)).toMatchObject([
      { ...HOURLY_MISSED, missedCount: 3 },
      { state: "created", tickAt: new Date("2026-05-02T04:00Z") },
    ]);
  });

  test("more than a thousand are not counted further", async () => {
    const schedule = await scheduleAt("2026-05-02T00:30Z", { cron: "* * * * *" });
    await runDueTicks(at("2026-05-09T00:30Z"));
    const [missed] = await ticksOf(schedule);
    expect(missed?.missedCount).toBe(1000);
    expect(missed?.reason).toBe("At least 1000 ticks passed while no worker ran.");
  });
});

describe("overlap", () => {
  const hours = (...list: number[]) => list.map((hour) => at(`2026-05-03T0${hour}:00:01Z`));

  test("skip: the tick names the task that is running", async () => {
    const schedule = await scheduleAt("2026-05-03T00:30Z");
    for (const ctx of hours(1, 2)) await runDueTicks(ctx);
    const [first, second] = await ticksOf(schedule);
    expect(second).toMatchObject({
      state: "skipped",
      code: "overlap",
      blockedBy: first?.taskId,
      taskId: null,
    });
    await cancelTask(rowmill.ctx, user.userId, first?.taskId ?? "");
    for (const ctx of hours(3)) await runDueTicks(ctx);
    expect((await ticksOf(schedule)).at(-1)).toMatchObject({ state: "created" });
  });

  test("queue: ticks wait in their order, up to a limit", async () => {
    const schedule = await scheduleAt("2026-05-03T00:30Z", { cron: "*/5 * * * *", overlap: "queue" });
    await forward(schedule, "2026-05-03T01:35Z");
    const ticks = await ticksOf(schedule);
    const states = ["created", ...Array.from({ length: MAX_WAITING }, () => "waiting"), "skipped", "skipped"];
    expect(ticks.map(({ state }) => state)).toEqual(states);
    const next = async (taskId: string | null | undefined) => {
      await cancelTask(rowmill.ctx, user.userId, taskId ?? "");
      await runDueTicks(at("2026-05-03T01:35:30Z"));
      return ticksOf(schedule);
    };
    const [, second] = await next(ticks[0]?.taskId);
    expect(second).toMatchObject({ state: "created", code: null, blockedBy: null });
    const [, , third, fourth] = await next(second?.taskId);
    expect([third?.state, fourth?.state]).toEqual(["created", "waiting"]);
    expect(await tasksOf(schedule)).toBe(3);
    await updateSchedule(rowmill.ctx, user.userId, schedule.id, { isEnabled: false });
    expect((await ticksOf(schedule)).filter(({ state }) => state === "waiting")).toEqual([]);
  });

  test("the end of a task wakes the ticks that wait for it", async () => {
    const schedule = await scheduleAt("2026-05-03T00:30Z", { overlap: "queue" });
    for (const ctx of hours(1)) await runDueTicks(ctx);
    const before = await tickJobs();
    const [first] = await ticksOf(schedule);
    await cancelTask(rowmill.ctx, user.userId, first?.taskId ?? "");
    expect(await tickJobs()).toBe(before + 1);
  });

  test("allow: tasks run side by side", async () => {
    const schedule = await scheduleAt("2026-05-03T00:30Z", { overlap: "allow" });
    for (const ctx of hours(1, 2, 3)) await runDueTicks(ctx);
    expect((await ticksOf(schedule)).map(({ state }) => state)).toEqual(["created", "created", "created"]);
  });

  test("replace: the tick cancels the previous task", async () => {
    const schedule = await scheduleAt("2026-05-03T00:30Z", { overlap: "replace" });
    for (const ctx of hours(1, 2)) await runDueTicks(ctx);
    const [first, second] = await ticksOf(schedule);
    const replaced = await getTask(rowmill.ctx, null, first?.taskId ?? "");
    expect(replaced).toMatchObject({
      status: "cancelled",
      cancelReason: "Replaced by the tick of 2026-05-03T02:00:00.000Z.",
    });
    expect((await getTask(rowmill.ctx, null, second?.taskId ?? "")).status).toBe("pending");
  });

  test("replace: a tick that is refused cancels nothing", async () => {
    await setRole("admin");
    const schedule = await scheduleAt("2026-05-03T00:30Z", { overlap: "replace", task: FOR_ADMINS });
    for (const ctx of hours(1)) await runDueTicks(ctx);
    await setRole("user");
    for (const ctx of hours(2)) await runDueTicks(ctx);
    const [first, second] = await ticksOf(schedule);
    expect(second).toMatchObject({ state: "failed", code: "forbidden" });
    expect((await getTask(rowmill.ctx, null, first?.taskId ?? "")).status).toBe("pending");
  });
});

describe("schedules of workflows", () => {
  const workflow = { chain: [{ type: "generic" }, { type: "generic" }] };
  const stateOf = async (id: string | null | undefined) =>
    (await getWorkflow(rowmill.ctx, null, id ?? "")).state;

  test("a tick creates a workflow, and is skipped while the last one runs", async () => {
    const schedule = await scheduleAt("2026-05-13T00:30Z", { workflow });
    await forward(schedule, "2026-05-13T02:30Z");
    const [first, second] = await ticksOf(schedule);
    expect(first).toMatchObject({ state: "created", taskId: null });
    expect(await stateOf(first?.workflowId)).toBe("running");
    expect(second).toMatchObject({ state: "skipped", blockedBy: first?.workflowId });
  });

  test("queue: the next workflow starts when the first has ended", async () => {
    const schedule = await scheduleAt("2026-05-13T00:30Z", { workflow, overlap: "queue" });
    await forward(schedule, "2026-05-13T02:30Z");
    const [first, second] = await ticksOf(schedule);
    expect(second).toMatchObject({ state: "waiting" });
    const before = await tickJobs();
    await cancelWorkflow(rowmill.ctx, user.userId, first?.workflowId ?? "");
    expect(await tickJobs()).toBe(before + 1);
    await runDueTicks(at("2026-05-13T02:31Z"));
    expect((await ticksOf(schedule)).at(-1)).toMatchObject({ state: "created" });
  });

  test("queue: a workflow that fails wakes the ticks that wait for it, and no other ones", async () => {
    const schedule = await scheduleAt("2026-05-13T00:30Z", { workflow, overlap: "queue" });
    const other = await createWorkflow(rowmill.ctx, user.userId, readWorkflow(workflow));
    await forward(schedule, "2026-05-13T02:30Z");
    const before = await tickJobs();
    await cancelWorkflow(rowmill.ctx, user.userId, other.id);
    expect(await tickJobs()).toBe(before);
    const id = (await ticksOf(schedule))[0]?.workflowId ?? "";
    const detail = await getWorkflowDetail(rowmill.ctx, user.userId, id);
    expect(detail.scheduleId).toBe(schedule.id);
    await cancelTask(rowmill.ctx, user.userId, detail.steps[0]?.taskId ?? "");
    await inTransaction(rowmill.ctx, (tx) => advanceWorkflow(tx, id));
    expect(await stateOf(id)).toBe("failed");
    expect(await tickJobs()).toBe(before + 1);
  });

  test("replace: the tick cancels the workflow that runs", async () => {
    const schedule = await scheduleAt("2026-05-13T00:30Z", { workflow, overlap: "replace" });
    await forward(schedule, "2026-05-13T02:30Z");
    const states = (await ticksOf(schedule)).map(({ workflowId }) => stateOf(workflowId));
    expect(await Promise.all(states)).toEqual(["cancelled", "running"]);
  });

  test("replace: a workflow that completes at this moment does not fail the tick", async () => {
    const schedule = await scheduleAt("2026-05-13T00:30Z", { workflow, overlap: "replace" });
    await forward(schedule, "2026-05-13T01:00Z");
    const [first] = await ticksOf(schedule);
    const ending = await rowmill.ctx.pool.connect();
    try {
      await ending.query("BEGIN");
      await ending.query("UPDATE rowmill.workflows SET state = 'completed', ended_at = now() WHERE id = $1", [
        first?.workflowId,
      ]);
      const ticking = forward(schedule, "2026-05-13T02:00Z");
      await until("the tick waits for the workflow", async () => (await countRowWaits(rowmill.ctx.pool)) > 0);
      await ending.query("COMMIT");
      await ticking;
    } finally {
      ending.release();
    }
    const [, second] = await ticksOf(schedule);
    expect(second).toMatchObject({ state: "created", code: null });
  });
});

describe("ticks that are refused", () => {
  test("a failure is announced once until a tick succeeds", async () => {
    await setRole("admin");
    const schedule = await scheduleAt("2026-05-04T00:30Z", { overlap: "allow", task: FOR_ADMINS });
    const announced = () =>
      count(
        rowmill.ctx.pool,
        "SELECT count(*) FROM rowmill.notifications WHERE user_id = $1 AND kind = 'schedule.failed'",
        [user.userId],
      );
    const run = async (hour: number, role: string) => {
      await setRole(role);
      await runDueTicks(at(`2026-05-04T0${hour}:00:01Z`));
    };
    await run(1, "user");
    await run(2, "user");
    expect(await announced()).toBe(1);
    const failed = { state: "failed", code: "forbidden", reason: expect.stringContaining("administrators") };
    expect(await ticksOf(schedule)).toMatchObject([failed, failed]);
    expect((await getSchedule(rowmill.ctx, null, schedule.id)).failingSince).toEqual(
      new Date("2026-05-04T01:00:01Z"),
    );
    await run(3, "admin");
    expect((await getSchedule(rowmill.ctx, null, schedule.id)).failingSince).toBeNull();
    await run(4, "user");
    expect(await announced()).toBe(2);
    const { body } = await user.get<{ items: object[] }>("/api/v1/notifications");
    expect(body.items[0]).toMatchObject({
      kind: "schedule.failed",
      data: { schedule_id: schedule.id, name: "one", tick_at: "2026-05-04T04:00:00.000Z" },
    });
  });

  test("the owner is disabled", async () => {
    const schedule = await scheduleAt("2026-05-05T00:30Z");
    await disableAccount(rowmill.ctx, user.userId);
    await runDueTicks(at("2026-05-05T01:00Z"));
    await enableAccount(rowmill.ctx, user.userId);
    expect(await ticksOf(schedule)).toMatchObject([{ state: "failed", code: "account_disabled" }]);
  });

  test("a quota of the owner is used up", async () => {
    const schedule = await scheduleAt("2026-05-06T00:30Z");
    const config = { ...rowmill.config, maxOpenTasksPerUser: 0 };
    await runDueTicks({ ...at("2026-05-06T01:00Z"), config });
    const reason = expect.stringContaining("MAX_OPEN_TASKS_PER_USER");
    expect(await ticksOf(schedule)).toMatchObject([{ state: "failed", code: "too_many_requests", reason }]);
  });

  test("the file is deleted", async () => {
    const { id } = await storedFile(user, "one two");
    const schedule = await scheduleAt("2026-05-07T00:30Z", { task: { type: "document", file_id: id } });
    expect((await user.delete(`/api/v1/files/${id}`)).status).toBe(204);
    await runDueTicks(at("2026-05-07T01:00Z"));
    expect(await ticksOf(schedule)).toMatchObject([{ state: "failed", code: "invalid_input" }]);
  });
});

test("jitter delays ticks, each by its own time", async () => {
  const schedule = await scheduleAt("2026-05-08T00:30Z", { jitterSeconds: 600, overlap: "allow" });
  await forward(schedule, "2026-05-08T08:30Z");
  const ticks = await ticksOf(schedule);
  expect(ticks.map(({ tickAt }) => tickAt.getUTCHours())).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const delays = ticks.map(({ tickAt, createdAt }) => createdAt.getTime() - tickAt.getTime());
  expect(Math.max(...delays)).toBeLessThanOrEqual(600_000);
  expect(new Set(delays).size).toBeGreaterThan(1);
});

test("ticks are between starts_at and ends_at", async () => {
  const schedule = await scheduleAt("2026-05-09T00:30Z", {
    startsAt: new Date("2026-05-09T03:00Z"),
    endsAt: new Date("2026-05-09T05:00Z"),
    overlap: "allow",
  });
  await forward(schedule, "2026-05-10T00:00Z");
  const hours = (await ticksOf(schedule)).map(({ tickAt }) => tickAt.getUTCHours());
  expect(hours).toEqual([3, 4, 5]);
  expect(await getSchedule(rowmill.ctx, null, schedule.id)).toMatchObject({
    nextRunAt: null,
    nextTickAt: null,
  });
});

test("a schedule that is enabled again skips the ticks of the time between", async () => {
  const schedule = await scheduleAt("2026-05-10T00:30Z");
  await updateSchedule(at("2026-05-10T00:40Z"), user.userId, schedule.id, { isEnabled: false });
  expect(await runDueTicks(at("2026-05-10T03:00Z"))).toBe(0);
  const { nextRunAt } = await updateSchedule(at("2026-05-10T03:10Z"), user.userId, schedule.id, {
    isEnabled: true,
  });
  expect(nextRunAt).toEqual(new Date("2026-05-10T04:00Z"));
});

test("the history is bounded in number and in time", async () => {
  const schedule = await scheduleAt("2026-05-11T00:30Z", { overlap: "allow" });
  await rowmill.ctx.pool.query(
    `INSERT INTO rowmill.schedule_ticks (schedule_id, tick_at, state)
      SELECT $1, timestamptz '2026-04-01T00:00Z' + make_interval(mins => n), 'created' FROM generate_series(1, $2::int) AS n`,
    [schedule.id, KEPT_TICKS],
  );
  await runDueTicks(at("2026-05-11T01:00Z"));
  const ticks = await ticksOf(schedule);
  expect(ticks).toHaveLength(KEPT_TICKS);
  expect(ticks.at(-1)).toMatchObject({ state: "created", tickAt: new Date("2026-05-11T01:00Z") });
  expect(await removeOldTicks(at("2026-05-20T00:00Z"))).toBe(KEPT_TICKS - 1);
});

test("old ticks are removed in small transactions, and waiting ones stay", async () => {
  await rowmill.ctx.pool.query(
    `WITH added AS (
      INSERT INTO rowmill.schedules (id, user_id, name, cron, task)
      SELECT gen_random_uuid(), $1, n::text, '0 0 * * *', '{}' FROM generate_series(1, 150) AS n RETURNING id
    )
    INSERT INTO rowmill.schedule_ticks (schedule_id, tick_at, state)
    SELECT id, day, (CASE WHEN day = '2026-01-01' THEN 'waiting' ELSE 'created' END)::rowmill.tick_state
    FROM added, unnest('{2026-01-01,2026-01-02,2026-05-19}'::timestamptz[]) AS day`,
    [user.userId],
  );
  await using counted = await explaining(at("2026-05-20T00:00Z"));
  expect(await removeOldTicks(counted)).toBe(150);
  expect(counted.statements).toBe(3);
  expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.schedule_ticks")).toBe(300);
});

test("a manual tick lets the tick that becomes due meanwhile run a moment later", async () => {
  const schedule = await scheduleAt("2026-05-12T00:30Z", { overlap: "allow" });
  const before = await tickJobs();
  await runSchedule(at("2026-05-12T00:59:50Z"), user.userId, schedule.id);
  expect(await tickJobs()).toBe(before);
  await runSchedule(at("2026-05-12T00:59:59Z"), user.userId, schedule.id);
  expect(await tickJobs()).toBe(before + 1);
});

test("manual ticks at the same moment are two ticks", async () => {
  const schedule = await scheduleAt("2026-05-12T00:30Z", { overlap: "skip" });
  const now = at("2026-05-12T01:00Z");
  const [one, two] = await Promise.all([1, 2].map(() => runSchedule(now, user.userId, schedule.id)));
  expect(one?.tickAt).not.toEqual(two?.tickAt);
  expect(await runSchedule(now, user.userId, schedule.id, { mustObeyOverlap: true })).toMatchObject({
    state: "skipped",
    isManual: true,
  });
  await runDueTicks(now);
  expect(await tasksOf(schedule)).toBe(2);
});
