/** Tasks have no foreign key to their owner. An account is removed when the import that created it is undone. */
import type pg from "pg";
import { expect, test } from "vitest";
import { inTransaction } from "../../../src/context.ts";
import { createSchedule } from "../../../src/schedules/control/create-schedule.ts";
import { runDueTicks } from "../../../src/schedules/run/run-due-ticks.ts";
import { createTasks } from "../../../src/tasks/create/create-tasks.ts";
import { createWorkflow } from "../../../src/workflows/create/create-workflow.ts";
import { readWorkflow } from "../../../src/workflows/create/read-workflow.ts";
import { count, countRowWaits, countWaiting } from "../../support/count.ts";
import { importFile, undo } from "../../support/imports.ts";
import { atEnd } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useAdmin, useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);

const PASSWORD = "correct horse battery";
const task = { type: "generic", params: { seconds: 0 } };
const KEPT = { 2: { kind: "kept", reason: expect.stringMatching(/^The account is in use/) } };
const REMOVED = { 2: { kind: "reversed" } };

/** An account that nobody has used, and the import that created it. */
async function unusedAccount(username: string) {
  const batch = await importFile(rowmill, admin, `username,password\n${username},${PASSWORD}\n`, "insert", {
    target: "users",
  });
  const sql = "SELECT id AS count FROM rowmill.users WHERE username = $1";
  return { batch, username, id: await count(rowmill.ctx.pool, sql, [username]) };
}
type Account = Awaited<ReturnType<typeof unusedAccount>>;

/** With Basic credentials, which leave no session. */
async function post({ username }: Account, path: string, body: object): Promise<number> {
  const authorization = `Basic ${btoa(`${username}:${PASSWORD}`)}`;
  const headers = { authorization, "content-type": "application/json" };
  return (await fetch(`${rowmill.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) }))
    .status;
}

/** How much there is of an account. */
async function leftOf({ id }: Account): Promise<Record<string, number>> {
  const { rows } = await rowmill.ctx.pool.query(
    `SELECT (SELECT count(*)::int FROM rowmill.users WHERE id = $1) AS users,
      (SELECT count(*)::int FROM rowmill.tasks WHERE user_id = $1) AS tasks,
      (SELECT count(*)::int FROM rowmill.task_events JOIN rowmill.tasks ON tasks.id = task_id WHERE user_id = $1) AS events,
      (SELECT count(*)::int FROM rowmill.workflows WHERE user_id = $1) AS workflows,
      (SELECT count(*)::int FROM rowmill.files WHERE user_id = $1) AS files,
      (SELECT count(*)::int FROM rowmill_queue.job WHERE group_id = $1::text AND name LIKE 'task.%') AS jobs`,
    [id],
  );
  return rows[0];
}
const NOTHING = { users: 0, tasks: 0, events: 0, workflows: 0, files: 0, jobs: 0 };

const GATE = 4711;

/** Statements on a table wait inside PostgreSQL until the returned function is called. */
async function hold(
  event: "INSERT ON rowmill.tasks" | "DELETE ON rowmill.users",
): Promise<() => Promise<void>> {
  const gate: pg.PoolClient = await rowmill.ctx.pool.connect();
  const returned = event.startsWith("DELETE") ? "OLD" : "NEW";
  await gate.query(`
    CREATE FUNCTION rowmill.wait_here() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN ${returned}; END $$;
    CREATE TRIGGER waits BEFORE ${event} FOR EACH ROW EXECUTE FUNCTION rowmill.wait_here()`);
  await gate.query("SELECT pg_advisory_lock($1)", [GATE]);
  atEnd(async () => {
    gate.release(true);
    await rowmill.ctx.pool.query("DROP FUNCTION rowmill.wait_here() CASCADE");
  });
  return async () => void (await gate.query("SELECT pg_advisory_unlock($1)", [GATE]));
}

const untilHeld = () =>
  until(
    "a statement waits at the gate",
    async () => (await countWaiting(rowmill.ctx.pool, "locktype = 'advisory'")) > 0,
  );
const untilRowWaits = () =>
  until("a statement waits for the account", async () => (await countRowWaits(rowmill.ctx.pool)) > 0);

const workflow = { steps: [{ name: "one", ...task }] };

test.for([
  ["tasks", "/api/v1/tasks/bulk", { tasks: Array.from({ length: 2500 }, () => task) }],
  ["one task", "/api/v1/tasks", task],
  ["a workflow", "/api/v1/workflows", workflow],
] as const)("an account that creates %s is not removed meanwhile", async ([name, path, body]) => {
  const owner = await unusedAccount(`creates ${name}`.replaceAll(" ", "-"));
  const release = await hold("INSERT ON rowmill.tasks");
  const created = post(owner, path, body);
  await untilHeld();
  const undone = undo(rowmill, owner.batch);
  await untilRowWaits();
  await release();
  expect([await created, await undone]).toEqual([201, KEPT]);
  const tasks = "tasks" in body ? body.tasks.length : 1;
  expect(await leftOf(owner)).toMatchObject({ users: 1, tasks, jobs: tasks });
});

test.for([
  ["tasks", "/api/v1/tasks/bulk", { tasks: Array.from({ length: 2500 }, () => task) }],
  ["one task", "/api/v1/tasks", task],
  ["a workflow", "/api/v1/workflows", workflow],
] as const)("an account that is being removed does not create %s", async ([name, path, body]) => {
  const owner = await unusedAccount(`removed ${name}`.replaceAll(" ", "-"));
  const release = await hold("DELETE ON rowmill.users");
  const undone = undo(rowmill, owner.batch);
  await untilHeld();
  const created = post(owner, path, body);
  await untilRowWaits();
  await release();
  expect([await undone, await created]).toEqual([REMOVED, 401]);
  expect(await leftOf(owner)).toEqual(NOTHING);
});

test("no task of Rowmill itself is left for an account that is being removed", async () => {
  const owner = await unusedAccount("removed-meanwhile");
  const release = await hold("DELETE ON rowmill.users");
  const undone = undo(rowmill, owner.batch);
  await untilHeld();
  const created = [
    createTasks(rowmill.ctx, owner.id, [task]),
    createWorkflow(rowmill.ctx, owner.id, readWorkflow(workflow)),
  ];
  const settled = Promise.allSettled(created);
  await until("both wait", async () => (await countRowWaits(rowmill.ctx.pool)) === 2);
  await release();
  expect(await undone).toEqual(REMOVED);
  expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await leftOf(owner)).toEqual(NOTHING);
});

test("the ticks of a schedule run while its owner cannot be removed, in both orders", async () => {
  const owner = await unusedAccount("scheduled");
  const { ctx } = rowmill;
  const schedule = await inTransaction(ctx, (tx) =>
    createSchedule(tx, owner.id, { name: "one", cron: "0 * * * *", overlap: "allow", task }),
  );
  const tickAt = (hours: number) => {
    const time = new Date((schedule.nextRunAt?.getTime() ?? 0) + hours * 3_600_000);
    return runDueTicks({ ...ctx, now: () => time });
  };
  const release = await hold("INSERT ON rowmill.tasks");
  const ticked = tickAt(0);
  await untilHeld();
  const undone = undo(rowmill, owner.batch);
  await untilRowWaits();
  await release();
  await ticked;
  expect(await undone).toEqual(KEPT);
  expect(await leftOf(owner)).toMatchObject({ users: 1, tasks: 1, jobs: 1 });

  const client = await ctx.pool.connect();
  atEnd(async () => client.release(true));
  // As undo locks the accounts that it may remove.
  await client.query("BEGIN");
  await client.query("SELECT FROM rowmill.users WHERE id = $1 FOR UPDATE", [owner.id]);
  const late = tickAt(1);
  await untilRowWaits();
  await client.query("COMMIT");
  await late;
  expect(await leftOf(owner)).toMatchObject({ users: 1, tasks: 2, jobs: 2 });
});
