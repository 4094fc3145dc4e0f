/** `allowed_actions` of batches, tasks and workflows: each listed action is accepted, and each other one changes nothing. */
import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { BATCH_ACTIONS, type BatchAction } from "../src/batches/allowed-actions.ts";
import { newBatchId } from "../src/batches/ids.ts";
import type { BatchView } from "../src/batches/views.ts";
import { type BatchState, batchState } from "../src/schema/batches.ts";
import { type TaskStatus, taskStatus } from "../src/schema/tasks.ts";
import { type WorkflowState, workflowState } from "../src/schema/workflows.ts";
import { TASK_ACTIONS, type TaskAction } from "../src/tasks/allowed-actions.ts";
import type { TaskView } from "../src/tasks/views.ts";
import { WORKFLOW_ACTIONS, type WorkflowAction } from "../src/workflows/state.ts";
import type { WorkflowView } from "../src/workflows/views.ts";
import { command, deliverChunk, deliverWhole } from "./support/batches.ts";
import type { Client } from "./support/client.ts";
import { makeTask } from "./support/task-client.ts";
import { useAdmin, useRowmill, useUser } from "./support/use-rowmill.ts";
import { makeWorkflow, quick } from "./support/workflows.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);
const admin = useAdmin(rowmill);
const operator = useAdmin(rowmill, "watcher", "operator");

const isAccepted = (status: number) => status < 300;

describe("batches", () => {
  const templates = { normal: "", dryRun: "" };
  const shown = batchState.enumValues.filter((state) => state !== "deleting");

  beforeAll(async () => {
    const file = "title,author\nEmma,Austen\n,Nobody\n";
    const { body: normal } = await user.upload(file);
    await deliverChunk(rowmill.ctx, normal.id);
    const { body: dryRun } = await user.upload(file, "/api/v1/batches?target=books&dry_run=true");
    await deliverWhole(rowmill.ctx, dryRun.id);
    Object.assign(templates, { normal: normal.id, dryRun: dryRun.id });
  });

  /** A batch with one success and one failure, in any state. */
  async function copyBatch(template: string, state: BatchState): Promise<string> {
    const { pool, now } = rowmill.ctx;
    const id = newBatchId(now());
    const isOpen = ["receiving", "queued", "processing", "paused", "undoing"].includes(state);
    const { rows } = await pool.query(
      "SELECT nextval(pg_get_serial_sequence('rowmill.batches', 'number')) AS next",
    );
    const changes = { id, state, number: Number(rows[0].next), finished_at: isOpen ? null : now() };
    await pool.query(
      `INSERT INTO rowmill.batches SELECT (jsonb_populate_record(batches, $2)).* FROM rowmill.batches WHERE id = $1`,
      [template, JSON.stringify(changes)],
    );
    for (const table of ["batch_rows", "chunks", "row_results"]) {
      await pool.query(
        `INSERT INTO rowmill.${table} SELECT (json_populate_record(${table}, $2)).* FROM rowmill.${table} WHERE batch_id = $1`,
        [template, JSON.stringify({ batch_id: id })],
      );
    }
    return id;
  }

  const send = (batchId: string, action: BatchAction) => {
    const path = `/api/v1/batches/${batchId}`;
    if (action === "delete") return user.delete(path);
    if (action === "edit_rows") return user.patch(`${path}/rows/3`, { fields: { title: "Emma" } });
    return user.post(`${path}/${action}`, action === "retry" ? { unprocessed: true } : undefined);
  };

  const cases: [keyof typeof templates, BatchState][] = [
    ...shown.map((state): ["normal", BatchState] => ["normal", state]),
    ["dryRun", "validated"],
    ["dryRun", "paused"],
    ["dryRun", "cancelled"],
  ];

  test.each(cases)("the actions of a %s batch that is %s are those that succeed", async (template, state) => {
    for (const action of BATCH_ACTIONS) {
      const id = await copyBatch(templates[template], state);
      const { body: before, headers } = await user.batch(id);
      const { status } = await send(id, action);
      if (before.allowed_actions.includes(action))
        expect([action, status]).toEqual([action, 200 + (status % 100)]);
      else if (isAccepted(status))
        expect((await user.batch(id)).headers.get("etag")).toBe(headers.get("etag"));
      else expect([action, status]).toEqual([action, 409]);
    }
  });

  test("the actions follow the states of a batch", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload("title,author\nDracula,Stoker\n");
    expect(batch.allowed_actions).toEqual(["pause", "cancel"]);
    expect((await command(user, batch.id, "pause")).allowed_actions).toEqual(["resume", "cancel"]);
    expect((await command(user, batch.id, "cancel")).allowed_actions).toEqual([
      "undo",
      "retry",
      "edit_rows",
      "delete",
    ]);
    const { body: list } = await user.get<{ items: BatchView[] }>("/api/v1/batches?limit=1");
    expect(list.items[0]?.allowed_actions).toEqual(["undo", "retry", "edit_rows", "delete"]);
  });

  test("a batch without failed rows cannot be retried, and one of a target without undo not undone", async () => {
    const other = await rowmill.newUser();
    const { body: full } = await other.upload("title,author\nMiddlemarch,Eliot\n");
    await deliverChunk(rowmill.ctx, full.id);
    expect((await other.batch(full.id)).body.allowed_actions).toEqual(["undo", "delete"]);
    const id = await copyBatch(templates.normal, "completed_with_errors");
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.batches SET target = 'messages', user_id = $2 WHERE id = $1",
      [id, admin.userId],
    );
    expect((await admin.batch(id)).body.allowed_actions).toEqual(["retry", "edit_rows", "delete"]);
    expect((await admin.post(`/api/v1/batches/${id}/undo`)).status).toBe(409);
  });

  test("a batch that the caller has no right to change has no actions", async () => {
    const id = await copyBatch(templates.normal, "completed_with_errors");
    await rowmill.ctx.pool.query("UPDATE rowmill.batches SET target = 'users' WHERE id = $1", [id]);
    expect((await user.batch(id)).body.allowed_actions).toEqual([]);
    expect((await send(id, "delete")).status).toBe(403);
  });
});

describe("tasks", () => {
  async function taskIn(status: TaskStatus): Promise<TaskView> {
    const { id } = await makeTask(user, { params: { seconds: 30 } });
    await rowmill.ctx.pool.query(
      `UPDATE rowmill.tasks SET status = $2::rowmill.task_status, cancelled_at = CASE WHEN $2 = 'cancelled' THEN now() END,
        completed_at = CASE WHEN $2 IN ('completed', 'failed') THEN now() END,
        error_code = CASE WHEN $2 = 'failed' THEN 'gone' END, error_message = CASE WHEN $2 = 'failed' THEN 'Gone.' END WHERE id = $1`,
      [id, status],
    );
    const { body } = await user.get<TaskView>(`/api/v1/tasks/${id}`);
    return body;
  }

  const send = (client: Client, id: string, action: TaskAction) => {
    if (action === "delete") return client.delete(`/api/v1/tasks/${id}`);
    return client.post(`/api/v1/tasks/${id}/${action}`, action === "retry" ? { force: true } : undefined);
  };

  test.each(taskStatus.enumValues)(
    "the actions of a task that is %s are those that succeed",
    async (status) => {
      for (const action of TASK_ACTIONS) {
        const task = await taskIn(status);
        const { body: seen } = await operator.get<TaskView>(`/api/v1/admin/tasks/${task.id}`);
        expect(seen.allowed_actions).toEqual(task.allowed_actions);
        const answer = await send(user, task.id, action);
        if (task.allowed_actions.includes(action)) expect(isAccepted(answer.status)).toBe(true);
        else if (isAccepted(answer.status))
          expect(answer.body).toMatchObject({ updated_at: task.updated_at });
        else expect([action, answer.status]).toEqual([action, 409]);
      }
    },
  );

  test("a step of a running workflow can be cancelled and nothing else", async () => {
    const workflow = await makeWorkflow(user, { chain: [quick({ name: "only" })] });
    const { body } = await user.get<{ items: TaskView[] }>(`/api/v1/tasks?workflow_id=${workflow.id}`);
    const [task] = body.items;
    expect(task?.allowed_actions).toEqual(["cancel"]);
    expect((await send(user, task?.id ?? "", "delete")).status).toBe(409);
    expect((await send(user, task?.id ?? "", "retry")).status).toBe(409);
  });

  test("a task of a type that needs another role cannot be retried by its owner", async () => {
    const { id } = await taskIn("failed");
    await rowmill.ctx.pool.query("UPDATE rowmill.tasks SET type = 'backup_database' WHERE id = $1", [id]);
    const { body } = await user.get<TaskView>(`/api/v1/tasks/${id}`);
    expect(body.allowed_actions).toEqual(["delete"]);
    expect((await send(user, id, "retry")).status).toBe(403);
  });
});

describe("workflows", () => {
  async function workflowIn(state: WorkflowState): Promise<WorkflowView> {
    const { id } = await makeWorkflow(user, { chain: [quick({ name: "only" })] });
    await rowmill.ctx.pool.query(
      `UPDATE rowmill.workflows SET state = $2::rowmill.workflow_state,
        ended_at = CASE WHEN $2 <> 'running' THEN now() END WHERE id = $1`,
      [id, state],
    );
    const { body } = await user.get<WorkflowView>(`/api/v1/workflows/${id}`);
    return body;
  }

  const send = (id: string, action: WorkflowAction) =>
    action === "delete"
      ? user.delete(`/api/v1/workflows/${id}`)
      : user.post(`/api/v1/workflows/${id}/${action}`);

  test.each(workflowState.enumValues)(
    "the actions of a workflow that is %s are those that succeed",
    async (state) => {
      for (const action of WORKFLOW_ACTIONS) {
        const workflow = await workflowIn(state);
        const { body: seen } = await operator.get<WorkflowView>(`/api/v1/admin/workflows/${workflow.id}`);
        expect(seen.allowed_actions).toEqual(state === "running" ? ["cancel"] : []);
        const answer = await send(workflow.id, action);
        if (workflow.allowed_actions.includes(action)) expect(isAccepted(answer.status)).toBe(true);
        else if (isAccepted(answer.status)) expect(answer.body).toMatchObject({ state });
        else expect([action, answer.status]).toEqual([action, 409]);
      }
    },
  );
});

test("an answer that a version without allowed actions has stored is sent again", async () => {
  const key = { "idempotency-key": randomUUID() };
  const body = { type: "generic", params: { seconds: 0 } };
  await user.post("/api/v1/tasks", body, key);
  await rowmill.ctx.pool.query(
    "UPDATE rowmill.idempotency_keys SET body = (body::jsonb - 'allowed_actions')::json WHERE key = $1",
    [key["idempotency-key"]],
  );
  const { status, body: task } = await user.post<TaskView>("/api/v1/tasks", body, key);
  expect([status, task.allowed_actions]).toEqual([201, []]);
});
