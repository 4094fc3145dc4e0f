import { describe, expect, test } from "vitest";
import { failing, failTasks, getStep, makeWorkflow, quick, runWorkflow, statesOf, stopFailing, untilWorkflowEnds } from "../support/workflows.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUserPerTest(rowmill);
const admin = useAdmin(rowmill);

test("a chain runs its steps one after the other and passes results on", async () => {
  const done = await runWorkflow(user, {
    name: "First a, then b",
    chain: [quick({ name: "a" }), quick({ name: "b", params: { seconds: "{{previous.result.seconds}}" } }), quick()],
  });
  expect(done).toMatchObject({ state: "completed", progress: 100, kind: "chain", counts: { total: 3, completed: 3 } });
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
  expect(await runWorkflow(user, { group: [] })).toMatchObject({ state: "completed", progress: 100, steps: [] });
  expect(await runWorkflow(user, { chain: [] })).toMatchObject({ state: "completed" });
  expect(await runWorkflow(user, { steps: [] })).toMatchObject({ state: "completed" });
  expect(await runWorkflow(user, { group: [quick()] })).toMatchObject({ state: "completed", counts: { completed: 1 } });
  const chord = { group: [], callback: quick({ name: "last", metadata: { results: 0 } }) };
  expect(statesOf(await runWorkflow(user, { chord }))).toEqual({ last: "completed" });
});
