/** Workflows with a worker: results, failures, concurrent ends, retries, cancels, deadlines, upkeep. */
import { beforeAll, describe, expect, test } from "vitest";
import { disableAccount } from "../../src/accounts/control/disable-account.ts";
import { inTransaction } from "../../src/context.ts";
import { removeUnusedFiles } from "../../src/files/remove-unused-files.ts";
import { removeOldTasks } from "../../src/tasks/upkeep/remove-old-tasks.ts";
import { advanceWorkflow } from "../../src/workflows/advance/advance-workflow.ts";
import { reconcileWorkflows } from "../../src/workflows/upkeep/reconcile-workflows.ts";
import { removeOldWorkflows } from "../../src/workflows/upkeep/remove-old-workflows.ts";
import { newAdmin } from "../support/admin.ts";
import type { Client } from "../support/client.ts";
import { countRowWaits } from "../support/count.ts";
import { EventClient } from "../support/events.ts";
import { later, storedFile } from "../support/files.ts";
import { closeGate } from "../support/gate.ts";
import { untilEnded } from "../support/task-client.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import {
  type Detail,
  failing,
  failTasks,
  getStep,
  getWorkflow,
  makeWorkflow,
  quick,
  runWorkflow,
  statesOf,
  stopFailing,
  untilWorkflow,
  untilWorkflowEnds,
} from "../support/workflows.ts";

const rowmill = useRowmill({ worker: true });
const user = useUserPerTest(rowmill);
const admin = useAdmin(rowmill);

beforeAll(() => failTasks(rowmill.ctx));

/** A step that runs until the gate `complete` opens. */
const held = (more: object = {}) => quick({ title: "gate", ...more });

test("a chain runs its steps one after the other and passes results on", async () => {
  const chain = [
    quick({ name: "a" }),
    quick({ name: "b", params: { seconds: "{{previous.result.seconds}}" } }),
    quick(),
  ];
  const done = await runWorkflow(user, { name: "First a, then b", chain });
  expect(done).toMatchObject({
    state: "completed",
    progress: 100,
    kind: "chain",
    counts: { total: 3, completed: 3 },
  });
  expect(done.edges).toEqual([
    { from: "a", to: "b" },
    { from: "b", to: "generic" },
  ]);
  const task = await user.get(`/api/v1/tasks/${done.steps[1]?.task_id}`);
  expect(task.body).toMatchObject({ params: { seconds: 0 }, workflow_id: done.id, is_retryable: false });
  const { body } = await user.get<{ items: object[] }>(`/api/v1/tasks?workflow_id=${done.id}`);
  expect(body.items).toHaveLength(3);
});

test("a group of none, a group of one, an empty chain and a chord without a group end", async () => {
  expect(await runWorkflow(user, { group: [] })).toMatchObject({
    state: "completed",
    progress: 100,
    steps: [],
  });
  expect(await runWorkflow(user, { chain: [] })).toMatchObject({ state: "completed" });
  expect(await runWorkflow(user, { steps: [] })).toMatchObject({ state: "completed" });
  expect(await runWorkflow(user, { group: [quick()] })).toMatchObject({
    state: "completed",
    counts: { completed: 1 },
  });
});

describe("the examples of the replaced service", () => {
  const notify = (params: object) => ({ type: "send_admin_notification", params });

  test("a chain: a report, then a notification", async () => {
    const chain = [
      { type: "generate_daily_report" },
      notify({ subject: "Daily Report", message: "Report generated!" }),
    ];
    expect(statesOf(await runWorkflow(admin, { chain }))).toEqual({
      generate_daily_report: "completed",
      send_admin_notification: "completed",
    });
  });

  test("a group: three tasks at the same time", async () => {
    const group = [
      { type: "send_welcome_email", params: { user_id: admin.userId }, on_failure: "ignore" },
      { type: "generate_daily_report" },
      { type: "process_api_analytics" },
    ];
    const done = await runWorkflow(admin, { group });
    expect(done).toMatchObject({ state: "completed", edges: [], counts: { total: 3 } });
  });

  test("a chord: two reports, then a callback with their results", async () => {
    const group = [{ type: "process_api_analytics" }, { type: "generate_daily_report" }];
    const message =
      "{{steps.process_api_analytics.result.total_requests}} requests. {{results.1.date}}: {{results}}";
    const chord = { group, callback: notify({ subject: "Analytics Complete", message }) };
    const done = await runWorkflow(admin, { chord });
    expect(done).toMatchObject({ state: "completed", counts: { completed: 3 } });
    const { body } = await admin.get<{ params: { message: string } }>(
      `/api/v1/tasks/${done.steps[2]?.task_id}`,
    );
    expect(body.params.message).toMatch(
      /^\d+ requests. \d{4}-\d\d-\d\d: \[\{"message":"Analytics .*"message":"Report /,
    );
  });

  test("a chord without a group runs its callback with []", async () => {
    const done = await runWorkflow(admin, {
      chord: { group: [], callback: notify({ subject: "Done: {{results}}" }) },
    });
    const { body } = await admin.get(`/api/v1/tasks/${done.steps[0]?.task_id}`);
    expect(body).toMatchObject({ params: { subject: "Done: []" } });
  });
});

test("a failure skips what depends on it, runs its handler, and keeps its siblings going", async () => {
  const steps = [
    failing({ name: "bad" }),
    quick({ name: "sibling" }),
    quick({ name: "after", depends_on: ["bad", "sibling"] }),
    quick({ name: "last", depends_on: ["after"] }),
    quick({ name: "handler", depends_on: ["last"], when: "failure" }),
    quick({ name: "unneeded", depends_on: ["sibling"], when: "failure" }),
    quick({ name: "cleanup", depends_on: ["last", "unneeded"], when: "always" }),
  ];
  const done = await runWorkflow(user, { name: "With a failure", steps });
  expect(done.state).toBe("failed");
  expect(statesOf(done)).toEqual({
    bad: "failed",
    sibling: "completed",
    after: "skipped",
    last: "skipped",
    handler: "completed",
    unneeded: "skipped",
    cleanup: "completed",
  });
  expect(done.steps.map(({ cause }) => cause)).toEqual([null, null, "bad", "bad", null, null, null]);
  expect(done.steps[0]).toMatchObject({ error_code: "unknown_type", attempt: 1 });
  const { body } = await user.get<{ items: object[] }>("/api/v1/notifications");
  expect(body.items).toContainEqual(
    expect.objectContaining({
      kind: "workflow.failed",
      subject_id: done.id,
      data: expect.objectContaining({ message: "1 of 7 steps failed: bad." }),
    }),
  );
});

test("on_failure continue and ignore let dependants run, without a result", async () => {
  const steps = [
    failing({ name: "bad", on_failure: "continue" }),
    failing({ name: "worse", on_failure: "ignore" }),
    { ...quick({ name: "next", depends_on: ["bad", "worse"], metadata: {} }), params: { seconds: 0 } },
  ];
  const done = await runWorkflow(user, { steps });
  expect(statesOf(done)).toEqual({ bad: "failed", worse: "failed", next: "completed" });
  expect(done.state).toBe("failed");
});

test("a step whose parameters are wrong once they are rendered fails, and the others go on", async () => {
  const steps = [
    quick({ name: "a" }),
    { name: "b", type: "generic", params: { seconds: "{{steps.a.result.message}}" }, depends_on: ["a"] },
    {
      name: "c",
      type: "generic",
      params: { seconds: "{{steps.b.result.seconds}}" },
      depends_on: ["b"],
      when: "always",
    },
    quick({ name: "d", depends_on: ["a"] }),
  ];
  const done = await runWorkflow(user, { steps });
  expect(statesOf(done)).toEqual({ a: "completed", b: "failed", c: "failed", d: "completed" });
  expect(done.steps[1]).toMatchObject({
    error_code: "invalid_input",
    error_message: expect.stringContaining("seconds"),
    task_id: null,
  });
});

test("a retry runs the failed steps again, keeps results, and keeps the attempts", async () => {
  const chain = [quick({ name: "a" }), failing({ name: "b" }), quick({ name: "c" })];
  const failed = await runWorkflow(user, { chain });
  expect(statesOf(failed)).toEqual({ a: "completed", b: "failed", c: "skipped" });
  const [first, second] = failed.steps;
  // A task of a workflow is not retried alone.
  expect(await user.post(`/api/v1/tasks/${second?.task_id}/retry`)).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining(`/api/v1/workflows/${failed.id}/retry`) },
  });
  await stopFailing(rowmill.ctx);
  try {
    expect(await user.post(`/api/v1/workflows/${failed.id}/retry`)).toMatchObject({
      status: 200,
      body: { run: 2, state: "running" },
    });
    const done = await untilWorkflowEnds(user, failed.id);
    expect(done).toMatchObject({ state: "completed", cancel_reason: null });
    expect(done.steps[0]?.task_id).toBe(first?.task_id);
  } finally {
    await failTasks(rowmill.ctx);
  }
  const b = await getStep(user, failed.id, "b");
  expect(b).toMatchObject({
    attempt: 2,
    state: "completed",
    attempts: [{ status: "completed" }, { status: "failed", error_code: "unknown_type" }],
  });
  expect(await user.post(`/api/v1/workflows/${failed.id}/retry`)).toMatchObject({ status: 409 });
  expect(await user.delete(`/api/v1/workflows/${failed.id}`)).toMatchObject({ status: 204 });
  expect(await user.get(`/api/v1/workflows/${failed.id}`)).toMatchObject({ status: 404 });
  expect(await user.get(`/api/v1/tasks/${first?.task_id}`)).toMatchObject({ status: 404 });
});

describe("while a step runs", () => {
  const long = { name: "a", type: "generic", params: { seconds: 600 } };

  test("neither its task nor the workflow can be deleted, and the workflow cannot be retried", async () => {
    const { id } = await makeWorkflow(user, { chain: [long, quick({ name: "b" })] });
    const running = await untilWorkflow(user, id, "runs", (one) => statesOf(one).a === "running");
    const refused = await user.delete(`/api/v1/tasks/${running.steps[0]?.task_id}`);
    expect(refused).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("Cancel the workflow") },
    });
    expect(await user.delete(`/api/v1/workflows/${id}`)).toMatchObject({ status: 409 });
    expect(await user.post(`/api/v1/workflows/${id}/retry`)).toMatchObject({ status: 409 });
    await user.post(`/api/v1/workflows/${id}/cancel`);
  });

  test("cancelling the workflow cancels its steps and tasks, once", async () => {
    const { id } = await makeWorkflow(user, {
      chain: [{ name: "a", type: "generic", params: { seconds: 600 } }, quick({ name: "b" })],
    });
    const cancelled = await user.post(`/api/v1/workflows/${id}/cancel`, { reason: "Not needed." });
    expect(cancelled).toMatchObject({
      status: 200,
      body: { state: "cancelled", cancel_reason: "Not needed.", progress: 100 },
    });
    const detail = await getWorkflow(user, id);
    expect(statesOf(detail)).toEqual({ a: "cancelled", b: "cancelled" });
    expect(await untilEnded(user, detail.steps[0]?.task_id ?? "")).toMatchObject({
      status: "cancelled",
      cancel_reason: "Not needed.",
    });
    expect(await user.post(`/api/v1/workflows/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { cancel_reason: "Not needed." },
    });
  });

  test("cancelling the workflow while the task completes keeps the result of the step", async () => {
    await using gate = await closeGate(rowmill.ctx, "complete");
    const { id } = await makeWorkflow(user, { chain: [held({ name: "a" }), quick({ name: "b" })] });
    await gate.reached();
    const cancelling = user.post(`/api/v1/workflows/${id}/cancel`);
    await until("the cancel waits for the task", async () => (await countRowWaits(rowmill.ctx.pool)) > 0);
    await gate.open();
    expect(await cancelling).toMatchObject({ status: 200, body: { state: "cancelled" } });
    expect(statesOf(await getWorkflow(user, id))).toEqual({ a: "completed", b: "cancelled" });
  });

  test("cancelling its task fails the step with the code cancelled", async () => {
    const { id } = await makeWorkflow(user, {
      chain: [{ name: "a", type: "generic", params: { seconds: 600 } }, quick({ name: "b" })],
    });
    const { steps } = await getWorkflow(user, id);
    await user.post(`/api/v1/tasks/${steps[0]?.task_id}/cancel`, { reason: "No." });
    const done = await untilWorkflowEnds(user, id);
    expect(done.steps).toMatchObject([
      { state: "failed", error_code: "cancelled", error_message: "The task was cancelled. No." },
      { state: "skipped", cause: "a" },
    ]);
    expect(await user.post(`/api/v1/workflows/${id}/cancel`)).toMatchObject({ status: 409 });
  });
});

test("the deadline cancels what still runs, and a retry begins it again", async () => {
  const { id } = await makeWorkflow(user, {
    timeout_seconds: 1,
    chain: [{ type: "generic", params: { seconds: 600 } }, quick()],
  });
  const done = await untilWorkflowEnds(user, id);
  expect(done).toMatchObject({
    state: "cancelled",
    cancel_reason: expect.stringContaining("timeout_seconds"),
  });
  const late = Date.parse(done.ended_at ?? "") - Date.parse(done.deadline_at);
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(20_000);
  const { body } = await user.get<{ items: object[] }>("/api/v1/notifications");
  expect(body.items).toContainEqual(expect.objectContaining({ kind: "workflow.failed", subject_id: id }));
  const again = await user.post<{ deadline_at: string }>(`/api/v1/workflows/${id}/retry`);
  expect(Date.parse(again.body.deadline_at)).toBeGreaterThan(Date.parse(done.deadline_at));
  await user.post(`/api/v1/workflows/${id}/cancel`);
});

test("steps fail with a code if the file, the account or the role of their owner is gone when they start", async () => {
  const demoted = await newAdmin(rowmill, "denied");
  const file = await storedFile(user, "one two");
  const unused = await storedFile(user, "three");
  await using gate = await closeGate(rowmill.ctx, "complete");
  const start = (owner: Client, next: object) =>
    makeWorkflow(owner, { chain: [held(), { name: "next", ...next }] });
  const byId = await start(user, { type: "document", file_id: file.id });
  const byRole = await start(demoted, { type: "generate_daily_report" });
  const disabled = await rowmill.newUser();
  const byAccount = await start(disabled, quick());
  await removeUnusedFiles(later(rowmill, 400 * 86_400));
  expect(await user.get(`/api/v1/files/${unused.id}`)).toMatchObject({ status: 404 });
  expect(await user.delete(`/api/v1/files/${file.id}`)).toMatchObject({ status: 204 });
  await rowmill.ctx.pool.query("UPDATE rowmill.users SET role = 'user' WHERE id = $1", [demoted.userId]);
  await disableAccount(rowmill.ctx, disabled.userId);
  await gate.open();
  const codeOf = (reader: Client, { id }: { id: string }, list = "/api/v1/workflows") =>
    until("the workflow has ended", async () => {
      const { state, steps } = (await reader.get<Detail>(`${list}/${id}`)).body;
      return state !== "running" && [steps[1]?.state, steps[1]?.error_code, steps[1]?.task_id];
    });
  expect(await codeOf(user, byId)).toEqual(["failed", "file_deleted", null]);
  expect(await codeOf(demoted, byRole)).toEqual(["failed", "forbidden", null]);
  const byAdmin = await codeOf(admin, byAccount, "/api/v1/admin/workflows");
  expect(byAdmin).toEqual(["failed", "account_disabled", null]);
});

test("events follow a workflow to its end", async () => {
  await using gate = await closeGate(rowmill.ctx, "complete");
  const { id } = await makeWorkflow(user, { chain: [held({ name: "a" }), quick({ name: "b" })] });
  const events = await EventClient.open<{ steps: Record<string, string> }>(
    `${rowmill.url}/api/v1/workflows/${id}/events`,
    { authorization: `Bearer ${user.token}` },
  );
  await events.saw("of the running step", ({ data }) => data.steps.a === "running");
  await gate.reached();
  await gate.open();
  await events.ended();
  expect(events.events.at(-1)).toMatchObject({
    event: "end",
    data: { id, state: "completed", steps: { a: "completed", b: "completed" } },
  });
});

test("concurrent ends start the next step once", async () => {
  const group = Array.from({ length: 12 }, (_, index) => quick({ name: `s${index}` }));
  const { id } = await makeWorkflow(user, { chord: { group, callback: quick({ name: "last" }) } });
  await Promise.all(
    Array.from({ length: 20 }, () => inTransaction(rowmill.ctx, (tx) => advanceWorkflow(tx, id))),
  );
  const done = await untilWorkflowEnds(user, id);
  expect(done).toMatchObject({ state: "completed", counts: { completed: 13 } });
  const { body } = await user.get<{ items: object[] }>(`/api/v1/tasks?workflow_id=${id}`);
  expect(body.items).toHaveLength(13);
});

test("many steps at once end, and their callback runs once", async () => {
  const group = Array.from({ length: 120 }, (_, index) => quick({ name: `s${index}` }));
  const { id } = await makeWorkflow(user, { chord: { group, callback: quick({ name: "last" }) } });
  const done = await untilWorkflowEnds(user, id, 120_000);
  expect(done).toMatchObject({ state: "completed", counts: { completed: 121 } });
});

test("the reconciler advances workflows whose job was lost, and whose task is gone", async () => {
  const { pool } = rowmill.ctx;
  const { id } = await makeWorkflow(user, {
    group: [{ name: "a", type: "generic", params: { seconds: 600 } }],
  });
  await pool.query("DELETE FROM rowmill.tasks WHERE workflow_id = $1", [id]);
  expect(await reconcileWorkflows(rowmill.ctx)).toBe(1);
  const gone = await getWorkflow(user, id);
  expect(gone).toMatchObject({ state: "failed", steps: [{ error_code: "task_deleted" }] });
  const late = await makeWorkflow(user, {
    group: [{ name: "a", type: "generic", params: { seconds: 600 } }],
  });
  await pool.query("UPDATE rowmill.workflows SET deadline_at = now() WHERE id = $1", [late.id]);
  expect(await reconcileWorkflows(rowmill.ctx)).toBe(1);
  expect(await getWorkflow(user, late.id)).toMatchObject({ state: "cancelled" });
  expect(await reconcileWorkflows(rowmill.ctx)).toBe(0);
});

test("retention spares the tasks of a running workflow, and removes an ended one with its tasks", async () => {
  const { pool } = rowmill.ctx;
  const running = await makeWorkflow(user, {
    chain: [quick({ name: "a" }), { name: "b", type: "generic", params: { seconds: 600 } }],
  });
  await untilWorkflow(user, running.id, "waits for b", (one) => statesOf(one).a === "completed");
  const ended = await runWorkflow(user, { group: [quick()] });
  await pool.query(
    `UPDATE rowmill.tasks SET created_at = created_at - interval '1 year', completed_at = completed_at - interval '1 year'
      WHERE workflow_id = ANY($1::uuid[])`,
    [[running.id, ended.id]],
  );
  await removeOldTasks(rowmill.ctx);
  await pool.query("UPDATE rowmill.workflows SET ended_at = ended_at - interval '1 year' WHERE id = $1", [
    ended.id,
  ]);
  expect(await removeOldWorkflows(rowmill.ctx)).toBe(1);
  const left = await pool.query(
    "SELECT workflow_id, count(*)::int FROM rowmill.tasks WHERE workflow_id = ANY($1::uuid[]) GROUP BY 1",
    [[running.id, ended.id]],
  );
  expect(left.rows).toEqual([{ workflow_id: running.id, count: 2 }]);
  await user.post(`/api/v1/workflows/${running.id}/cancel`);
});

test("results that are too long are not passed on", async () => {
  await rowmill.ctx.pool.query(`
    CREATE FUNCTION rowmill.long_results() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.result = json_build_object('message', repeat('x', 70000));
      RETURN NEW;
    END $$;
    CREATE TRIGGER long BEFORE UPDATE ON rowmill.tasks FOR EACH ROW
      WHEN (NEW.status = 'completed' AND NEW.title = 'long') EXECUTE FUNCTION rowmill.long_results()`);
  const chain = [
    quick({ name: "a", title: "long" }),
    { name: "b", type: "generic", params: { seconds: "{{steps.a.result.seconds}}" } },
  ];
  const done = await runWorkflow(user, { chain });
  expect(done.steps).toMatchObject([
    { state: "completed" },
    {
      state: "failed",
      error_code: "invalid_template",
      error_message: expect.stringContaining("not passed on"),
    },
  ]);
  expect(done.steps[0]?.result_bytes).toBeGreaterThan(70_000);
  expect(await getStep(user, done.id, "a")).toMatchObject({ result: null });
});
