import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { alertAdmins } from "../../src/announcements/alert-admins.ts";
import { announce } from "../../src/announcements/announce.ts";
import { MAX_PER_HOUR } from "../../src/announcements/announcing.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { type Context, inTransaction } from "../../src/context.ts";
import { getTask } from "../../src/tasks/queries.ts";
import { endTask } from "../../src/tasks/run/end-task.ts";
import type { Outcome } from "../../src/tasks/run/outcomes.ts";
import { newAdmin } from "../support/admin.ts";
import { command, deliverChunk, deliverUndo, deliverWhole } from "../support/batches.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { jobsLeft } from "../support/jobs.ts";
import { explaining } from "../support/plans.ts";
import { eventsOf, newTask } from "../support/tasks.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import { newWebhook } from "../support/webhooks.ts";
import { withEmail } from "../support/with-email.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);
withEmail(rowmill, user);

interface Row {
  readonly kind: string;
  readonly sequence: number;
  readonly data: Record<string, unknown>;
  readonly is_in_app: boolean;
  readonly is_mailed: boolean;
  readonly is_pending: boolean;
}

async function announced(of: Client): Promise<Row[]> {
  const { rows } = await rowmill.ctx.pool.query<Row>(
    "SELECT *, sequence::int AS sequence FROM rowmill.notifications WHERE user_id = $1 ORDER BY created_at, id",
    [of.userId],
  );
  return rows;
}

const lastOf = async (of: Client) => (await announced(of)).at(-1);

function tell(ctx: Context, userId: number, index = 0): Promise<void> {
  const data = { task_id: crypto.randomUUID(), type: "generic", title: `Task ${index}`, message: "" };
  const about = { userId, subjectId: data.task_id, sequence: 1, data };
  return inTransaction(ctx, (tx) => announce(tx, { kind: "task.failed", ...about }));
}

describe("the end of a batch", () => {
  test("every end is announced with the counts of that end", async () => {
    const { ctx } = rowmill;
    const { body: batch } = await user.upload(csv(2, 1));
    await deliverChunk(ctx, batch.id);
    expect(await lastOf(user)).toMatchObject({
      kind: "batch.finished",
      sequence: 1,
      is_in_app: true,
      is_mailed: true,
      is_pending: true,
      data: {
        batch_id: batch.id,
        target: "books",
        state: "completed_with_errors",
        reason: "1 row failed.",
        total: 3,
        succeeded: 2,
        failed: 1,
        unprocessed: 0,
      },
    });
    await command(user, batch.id, "undo");
    await deliverUndo(ctx, batch.id);
    const undone = await lastOf(user);
    expect(undone?.data).toMatchObject({ state: "undone", succeeded: 0, failed: 1, unprocessed: 0 });
    expect(undone?.sequence).toBeGreaterThan(1);
  });

  test("a cancelled batch, a dry run and an atomic batch that fails are announced", async () => {
    const { ctx } = rowmill;
    const upload = async (file: string, options: string) =>
      (await user.upload(file, `/api/v1/batches?target=books&force=true${options}`)).body;
    const cancelled: BatchView = await upload(csv(3), "");
    await command(user, cancelled.id, "cancel");
    const dry = await upload(csv(2, 1), "&dry_run=true");
    await deliverWhole(ctx, dry.id);
    const atomic = await upload(csv(2, 1), "&policy=atomic");
    await deliverWhole(ctx, atomic.id);
    expect((await announced(user)).map(({ data }) => data)).toMatchObject([
      { state: "cancelled", total: 3, succeeded: 0, failed: 0, unprocessed: 3 },
      { state: "validated", total: 3, succeeded: 2, failed: 1, unprocessed: 0 },
      { state: "failed", total: 3, succeeded: 0, failed: 1, unprocessed: 2 },
    ]);
  });
});

/** Ends a new task. @returns its id */
async function endNewTask(outcome: Outcome, by?: Context): Promise<string> {
  const { ctx } = rowmill;
  const id = await newTask(ctx, user.userId, 0, { title: "Nightly" });
  await ctx.db.execute(sql`
    UPDATE rowmill.tasks SET status = 'processing', attempt = 1, started_at = now() WHERE id = ${id}`);
  await endTask(by ?? ctx, await getTask(ctx, null, id), outcome);
  return id;
}

const done: Outcome = { kind: "done", result: { message: "Good." } };
const failure: Outcome = { kind: "failed", code: "bad", message: "It has failed." };

describe("the end of a task", () => {
  test("a task that completes is announced only to its owner's webhooks, one that fails also in the app", async () => {
    const { ctx } = rowmill;
    await endNewTask(done);
    expect(await announced(user)).toEqual([]);
    const id = await endNewTask(failure);
    expect(await announced(user)).toMatchObject([
      {
        kind: "task.failed",
        sequence: 1,
        is_in_app: true,
        is_pending: false,
        data: { task_id: id, type: "generic", title: "Nightly", message: "It has failed." },
      },
    ]);
    await newWebhook(user, "https://1.1.1.1", { events: ["task.completed"] });
    const jobs = await jobsLeft(ctx, "notification.notify");
    await endNewTask(done);
    expect(await lastOf(user)).toMatchObject({ kind: "task.completed", is_in_app: false, is_pending: true });
    expect(await jobsLeft(ctx, "notification.notify")).toBe(jobs + 1);
  });

  test.for([
    [{ in_app: true }, { is_in_app: true, is_mailed: false }],
    [{ email: true }, { is_in_app: false, is_mailed: true }],
  ])("a task that completes is announced to an owner who prefers %o", async ([preference, expected]) => {
    await user.patch("/api/v1/notification-preferences", { "task.completed": preference });
    await endNewTask(done);
    expect(await announced(user)).toMatchObject([{ kind: "task.completed", ...expected }]);
  });

  test("a task completes without an announcement if its owner has switched webhooks off for it", async () => {
    await newWebhook(user, "https://1.1.1.1", { events: ["task.completed"] });
    await user.patch("/api/v1/notification-preferences", { "task.completed": { webhook: false } });
    const id = await endNewTask(done);
    expect(await announced(user)).toEqual([]);
    expect(await getTask(rowmill.ctx, null, id)).toMatchObject({ status: "completed" });
    expect(await eventsOf(rowmill.ctx, id)).toEqual(["created", "queued", "completed"]);
  });
});

/** Users with a webhook, preferences and notifications each. */
const fillUsers = (count: number) =>
  rowmill.ctx.db.execute(sql`
    WITH owner AS (
      INSERT INTO rowmill.users (username, password_hash)
      SELECT gen_random_uuid(), '' FROM generate_series(1, ${count}::int) RETURNING id
    ), preferred AS (
      INSERT INTO rowmill.notification_preferences (user_id, kind, in_app)
      SELECT id, kind, true FROM owner, unnest('{task.completed,task.failed}'::text[]) AS kind
    ), called AS (
      INSERT INTO rowmill.webhooks (id, user_id, url, events, headers, secret)
      SELECT gen_random_uuid(), id, '', '{task.completed,task.failed}', '{}', '' FROM owner
    )
    INSERT INTO rowmill.notifications
      (id, user_id, kind, subject_id, sequence, data, is_in_app, is_mailed, is_pending)
    SELECT gen_random_uuid(), id, 'task.failed', '', 1, '{}', true, false, false FROM owner`);

test("the statement that ends a task reads only what belongs to the owner, whatever the planner knows", async () => {
  const { ctx } = rowmill;
  const tables = ["users", "notification_preferences", "webhooks", "notifications"];
  const analyze = () => ctx.pool.query(`ANALYZE ${tables.map((table) => `rowmill.${table}`).join(", ")}`);
  const scans = async () => {
    await using plans = await explaining(ctx);
    await endNewTask(done, plans);
    await endNewTask(failure, plans);
    return Object.fromEntries(tables.map((table) => [table, plans.scans(table)]));
  };
  const expected = {
    users: ["users_pkey (id)"],
    notification_preferences: ["notification_preferences_user_id_kind_pk (user_id, kind)"],
    webhooks: ["webhooks_enabled (user_id)"],
    notifications: ["notifications_of_hour (user_id, kind, created_at)"],
  };
  for (const table of tables)
    await ctx.pool.query(`ALTER TABLE rowmill.${table} SET (autovacuum_enabled = off)`);
  expect(await scans(), "small tables").toEqual(expected);
  await fillUsers(5000);
  expect(await scans(), "absent statistics").toEqual(expected);
  await analyze();
  await fillUsers(5000);
  expect(await scans(), "stale statistics").toEqual(expected);
  await analyze();
  expect(await scans(), "fresh statistics").toEqual(expected);
});

describe("announce", () => {
  test("nothing is written for a user who wants nothing, or whose account is disabled", async () => {
    const { ctx } = rowmill;
    await user.patch("/api/v1/notification-preferences", { "task.failed": { in_app: false } });
    await tell(ctx, user.userId);
    expect(await announced(user)).toEqual([]);
    await user.patch("/api/v1/notification-preferences", { "task.failed": { email: true } });
    await tell(ctx, user.userId);
    expect(await announced(user)).toMatchObject([{ is_in_app: false, is_mailed: true, is_pending: true }]);
    await ctx.db.execute(sql`UPDATE rowmill.users SET disabled_at = now() WHERE id = ${user.userId}`);
    await tell(ctx, user.userId);
    expect(await announced(user)).toHaveLength(1);
  });

  test("a user gets at most a hundred notifications of a kind per hour, and the last one says so", async () => {
    const { ctx } = rowmill;
    const other = await rowmill.newUser();
    for (let index = 0; index < MAX_PER_HOUR + 5; index++) await tell(ctx, user.userId, index);
    await tell(ctx, other.userId);
    expect(await announced(user)).toHaveLength(MAX_PER_HOUR);
    const { body } = await user.get<{ items: { limit_reached: boolean }[] }>(
      "/api/v1/notifications?limit=100",
    );
    const [last, ...earlier] = body.items.map(({ limit_reached }) => limit_reached);
    expect([last, new Set(earlier), earlier.length]).toEqual([true, new Set([false]), MAX_PER_HOUR - 1]);
    expect(await announced(other)).toHaveLength(1);
    await ctx.db.execute(sql`
      UPDATE rowmill.notifications SET created_at = created_at - interval '1 hour' WHERE user_id = ${user.userId}`);
    await tell(ctx, user.userId);
    expect(await announced(user)).toHaveLength(MAX_PER_HOUR + 1);
  });

  test("transactions that lock the accounts of each other announce without a deadlock", async () => {
    const { ctx } = rowmill;
    const other = await rowmill.newUser();
    const [first, second] = [user.userId, other.userId];
    const locked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const run = (own: number, theirs: number, mine: () => void, both: Promise<unknown>) =>
      inTransaction(ctx, async (tx) => {
        await tx.db.execute(sql`SELECT FROM rowmill.users WHERE id = ${theirs} FOR UPDATE`);
        mine();
        await both;
        await announce(tx, {
          kind: "task.failed",
          userId: own,
          subjectId: "1",
          sequence: 1,
          data: { task_id: crypto.randomUUID(), type: "generic", title: "", message: "" },
        });
      });
    const both = Promise.all(locked.map(({ promise }) => promise));
    await Promise.all([
      run(first, second, locked[0].resolve, both),
      run(second, first, locked[1].resolve, both),
    ]);
    expect(await announced(user)).toHaveLength(1);
    expect(await announced(other)).toHaveLength(1);
  });

  test("a rolled back event is not announced", async () => {
    const { ctx } = rowmill;
    const failing = inTransaction(ctx, async (tx) => {
      await announce(tx, {
        kind: "message",
        userId: user.userId,
        subjectId: "1",
        sequence: 1,
        data: { subject: "Hello", message: "" },
      });
      throw new Error("rolled back");
    });
    await expect(failing).rejects.toThrow("rolled back");
    expect(await announced(user)).toEqual([]);
  });
});

test("every admin is alerted about a problem once per hour", async () => {
  const { ctx } = rowmill;
  const admins = [await newAdmin(rowmill, "first-admin"), await newAdmin(rowmill, "second-admin")];
  const alert = (key: string) =>
    inTransaction(ctx, (tx) => alertAdmins(tx, { key, subject: "Disk full", message: "Add space." }));
  expect(await alert("disk")).toBe(true);
  expect(await alert("disk")).toBe(false);
  expect(await alert("backup")).toBe(true);
  for (const admin of admins) {
    expect(await announced(admin)).toMatchObject([
      { kind: "admin.alert", data: { subject: "Disk full", message: "Add space." } },
      { kind: "admin.alert" },
    ]);
  }
  expect(await announced(user)).toEqual([]);
  await ctx.db.execute(sql`UPDATE rowmill.admin_alerts SET alerted_at = alerted_at - interval '61 minutes'`);
  expect(await alert("disk")).toBe(true);
});
