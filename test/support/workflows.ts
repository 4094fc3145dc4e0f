/** Workflows over HTTP. */

import type { Static } from "typebox";
import type { OpenContext } from "../../src/open-context.ts";
import type { WorkflowStepView } from "../../src/workflows/step-views.ts";
import type { viewWorkflowDetail, WorkflowView } from "../../src/workflows/views.ts";
import type { Client } from "./client.ts";
import { until } from "./until.ts";

export type Detail = ReturnType<typeof viewWorkflowDetail>;
type Step = Static<typeof WorkflowStepView>;

/** A step that completes at once. */
export const quick = (more: object = {}) => ({ type: "generic", params: { seconds: 0 }, ...more });

/** A step whose task fails, once `failTasks` was called. */
export const failing = (more: object = {}) => quick({ title: "fail", ...more });

/** From now on, tasks titled `fail` fail permanently. */
export async function failTasks({ pool }: Pick<OpenContext, "pool">): Promise<void> {
  await pool.query(`CREATE OR REPLACE FUNCTION rowmill.fail_tasks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.type = 'gone';
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON rowmill.tasks FOR EACH ROW WHEN (NEW.title = 'fail')
      EXECUTE FUNCTION rowmill.fail_tasks()`);
}

/** From now on, tasks titled `fail` do what their type does. */
export async function stopFailing({ pool }: Pick<OpenContext, "pool">): Promise<void> {
  await pool.query("DROP TRIGGER fail ON rowmill.tasks");
}

/** A workflow that must be accepted. */
export async function makeWorkflow(user: Client, body: object): Promise<WorkflowView> {
  const answer = await user.post<WorkflowView>("/api/v1/workflows", body);
  if (answer.status !== 201) throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export async function getWorkflow(user: Client, id: string): Promise<Detail> {
  const { body } = await user.get<Detail>(`/api/v1/workflows/${id}`);
  return body;
}

export async function getStep(user: Client, id: string, name: string): Promise<Step> {
  const { body } = await user.get<Step>(`/api/v1/workflows/${id}/steps/${name}`);
  return body;
}

export function untilWorkflow(
  user: Client,
  id: string,
  what: string,
  isSo: (workflow: Detail) => boolean,
  timeoutMs?: number,
): Promise<Detail> {
  const probe = async () => {
    const workflow = await getWorkflow(user, id);
    return isSo(workflow) ? workflow : null;
  };
  return until(`the workflow ${what}`, probe, timeoutMs);
}

export function untilWorkflowEnds(user: Client, id: string, timeoutMs?: number): Promise<Detail> {
  return untilWorkflow(user, id, "has ended", ({ state }) => state !== "running", timeoutMs);
}

/** Makes a workflow and waits for its end. */
export async function runWorkflow(user: Client, body: object): Promise<Detail> {
  return untilWorkflowEnds(user, (await makeWorkflow(user, body)).id);
}

export function statesOf({ steps }: Detail): Record<string, string> {
  return Object.fromEntries(steps.map(({ name, state }) => [name, state]));
}
