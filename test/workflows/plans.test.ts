/** Statements that run all the time, on tables that have grown since the planner looked at them. */
import { beforeAll, expect, test } from "vitest";
import { StateEvents } from "../../src/events/state-events.ts";
import { workflowStates } from "../../src/events/workflow-states.ts";
import { hastenGranted } from "../../src/tasks/limits/grant-starts.ts";
import { reconcileWorkflows } from "../../src/workflows/upkeep/reconcile-workflows.ts";
import { explaining } from "../support/plans.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

const TABLES = ["workflows", "workflow_steps", "tasks", "limit_waits"];

beforeAll(async () => {
  const { pool } = rowmill.ctx;
  for (const table of TABLES) {
    await pool.query(`ALTER TABLE rowmill.${table} SET (autovacuum_enabled = off)`);
    await pool.query(`ANALYZE rowmill.${table}`);
  }
  await pool.query(
    `WITH ended AS (
      INSERT INTO rowmill.workflows (id, user_id, kind, state, counts, timeout_seconds, deadline_at, ended_at)
      SELECT gen_random_uuid(), $1, 'chain', 'completed', '{}', 1, now(), now() FROM generate_series(1, 5000) RETURNING id
    )
    INSERT INTO rowmill.workflow_steps (workflow_id, position, name, type, task, has_templates, state, ended_at)
    SELECT id, n, n::text, 'generic', '{}', false, 'completed', now() FROM ended, generate_series(1, 4) AS n`,
    [user.userId],
  );
  await pool.query(
    `WITH waiting AS (
      INSERT INTO rowmill.tasks (id, user_id, type, queue, params, max_retries, job_id, metadata)
      SELECT gen_random_uuid(), $1, 'generic', 'default', '{}', 3, gen_random_uuid(), '{}' FROM generate_series(1, 5000) RETURNING *
    )
    INSERT INTO rowmill.limit_waits (job_id, task_id, type, queue, user_id, priority, number)
    SELECT job_id, id, type, queue, user_id, priority, number FROM waiting`,
    [user.userId],
  );
});

test("the reconciler reads the steps of running workflows only", async () => {
  await using explained = await explaining(rowmill.ctx);
  expect(await reconcileWorkflows(explained)).toBe(0);
  expect(explained.scans("workflow_steps")).not.toContain("whole table");
});

test("the live events read the workflows that have changed, and the newest", async () => {
  await using explained = await explaining(rowmill.ctx);
  const events = new StateEvents(explained, workflowStates);
  await events.read();
  events.close();
  expect(explained.scans("workflows")).not.toContain("whole table");
});

test("a look for tasks whose turn it is does not read those that wait", async () => {
  await using explained = await explaining({ ...rowmill.ctx, limitedTypes: new Set(["generic"]) });
  await hastenGranted(explained);
  expect(explained.scans("limit_waits")).toEqual(["limit_waits_granted (type)"]);
  expect(explained.scans("tasks")).not.toContain("whole table");
});
