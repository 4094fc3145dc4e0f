/** Creates the tasks of steps that can start. */
import { and, eq, inArray, sql } from "drizzle-orm";
import { QuotaExceeded } from "../../accounts/quotas.ts";
import type { Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { isUuid } from "../../platform/ids.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import { files } from "../../schema/files.ts";
import { type StepTask, workflowSteps } from "../../schema/workflows.ts";
import { createTasks, type TaskRequest } from "../../tasks/create/create-tasks.ts";
import { TemplateError } from "../templates/parse-template.ts";
import { renderTemplates } from "../templates/render-template.ts";
import type { NamedStep } from "./graph.ts";
import { readValues } from "./read-values.ts";

/** Steps whose templates are rendered at a time: each can take MAX_RENDERED_BYTES. */
const RENDERED_AT_A_TIME = 50;

interface Refusal {
  readonly code: string;
  readonly message: string;
}

interface Workflow {
  readonly id: string;
  readonly userId: number;
}

interface ReadyStep {
  readonly position: number;
  readonly request: TaskRequest;
}

/**
 * Starts waiting steps. A step whose task is refused fails.
 * @returns the positions of the steps that failed
 */
export async function startSteps(
  tx: Tx,
  workflow: Workflow,
  graph: readonly NamedStep[],
  positions: readonly number[],
): Promise<ReadonlySet<number>> {
  const refused = new Map<number, Refusal>();
  const claimed = await withFiles(tx, await claimSteps(tx, workflow.id, positions), refused);
  const plain = claimed.filter(({ hasTemplates }) => !hasTemplates);
  await createAll(tx, workflow, plain.map(readyStep), refused);
  const templated = claimed.filter(({ hasTemplates }) => hasTemplates);
  for (let start = 0; start < templated.length; start += RENDERED_AT_A_TIME) {
    const page = templated.slice(start, start + RENDERED_AT_A_TIME);
    await createAll(tx, workflow, await renderSteps(tx, workflow.id, graph, page, refused), refused);
  }
  await failSteps(tx, workflow.id, refused);
  return new Set(refused.keys());
}

interface Claimed {
  readonly position: number;
  readonly type: string;
  readonly task: StepTask;
  readonly hasTemplates: boolean;
  readonly fileId: string | null;
}

/** The condition on the state is what makes a step start only once. */
async function claimSteps(tx: Tx, workflowId: string, positions: readonly number[]): Promise<Claimed[]> {
  const { position, type, task, hasTemplates, fileId } = workflowSteps;
  const claimed = await tx.db
    .update(workflowSteps)
    .set({ state: "queued", attempt: sql`${workflowSteps.attempt} + 1` })
    .where(
      and(
        eq(workflowSteps.workflowId, workflowId),
        inArray(workflowSteps.position, [...positions]),
        eq(workflowSteps.state, "waiting"),
      ),
    )
    .returning({ position, type, task, hasTemplates, fileId });
  return claimed.sort((a, b) => a.position - b.position);
}

/** Retention keeps the files that waiting steps name, but their owner can delete them. */
async function withFiles(
  tx: Tx,
  claimed: readonly Claimed[],
  refused: Map<number, Refusal>,
): Promise<Claimed[]> {
  const ids = claimed.flatMap(({ fileId }) => fileId ?? []);
  if (ids.length === 0) return [...claimed];
  const found = await tx.db.select({ id: files.id }).from(files).where(inArray(files.id, ids));
  const stored = new Set(found.map(({ id }) => id));
  return claimed.filter(({ position, fileId, task }) => {
    if (fileId === null || stored.has(fileId)) return true;
    const message = `The file ${task.filePath ?? fileId} was deleted after the workflow was created.`;
    refused.set(position, { code: "file_deleted", message });
    return false;
  });
}

function readyStep({ position, type, task, fileId }: Claimed): ReadyStep {
  const { filePath, ...rest } = task;
  const file = fileId !== null ? { fileId } : filePath === undefined ? {} : { filePath };
  return { position, request: { ...rest, type, ...file } };
}

async function renderSteps(
  tx: Tx,
  workflowId: string,
  graph: readonly NamedStep[],
  steps: readonly Claimed[],
  refused: Map<number, Refusal>,
): Promise<ReadyStep[]> {
  const readValue = await readValues(tx, workflowId, graph, steps);
  return steps.flatMap((step) => {
    const { position, task } = step;
    try {
      const { params, fileId, filePath, ...rest } = task;
      const templates = { params, ...(fileId ? { fileId } : {}), ...(filePath ? { filePath } : {}) };
      const rendered = renderTemplates(templates, (reference) => readValue(position, reference));
      requireFileTexts(rendered);
      return [readyStep({ ...step, task: { ...rest, ...rendered } })];
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      refused.set(position, { code: "invalid_template", message: error.message });
      return [];
    }
  });
}

function requireFileTexts({ fileId, filePath }: StepTask): void {
  if (fileId !== undefined && !(typeof fileId === "string" && isUuid(fileId)))
    throw new TemplateError("file_id: The template must result in the id of a file.");
  if (filePath !== undefined && typeof filePath !== "string")
    throw new TemplateError("file_path: The template must result in text.");
}

/** Creates the tasks together. If one is refused, creates them one by one, to find which. */
async function createAll(
  tx: Tx,
  workflow: Workflow,
  steps: readonly ReadyStep[],
  refused: Map<number, Refusal>,
): Promise<void> {
  if (steps.length === 0) return;
  const positions = steps.map(({ position }) => position);
  try {
    const options = { workflow: { id: workflow.id, steps: positions } };
    const requests = steps.map(({ request }) => request);
    const { tasks } = await createTasks(tx, workflow.userId, requests, options);
    await setTasks(
      tx,
      workflow.id,
      tasks.map(({ id }, index) => ({ id, position: positions[index] ?? -1 })),
    );
  } catch (error) {
    // It is thrown before anything is written.
    if (!(error instanceof DomainError)) throw error;
    const { code, message } = error;
    if (steps.length === 1 || error instanceof QuotaExceeded) {
      for (const position of positions) refused.set(position, { code, message });
    } else for (const step of steps) await createAll(tx, workflow, [step], refused);
  }
}

async function setTasks(
  tx: Tx,
  workflowId: string,
  tasks: readonly { readonly id: string; readonly position: number }[],
): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.workflow_steps AS step SET task_id = task.id
    FROM json_to_recordset(${JSON.stringify(tasks)}::json) AS task (id uuid, position smallint)
    WHERE step.workflow_id = ${workflowId} AND step.position = task.position`);
}

async function failSteps(tx: Tx, workflowId: string, refused: ReadonlyMap<number, Refusal>): Promise<void> {
  if (refused.size === 0) return;
  const failures = [...refused].map(([position, refusal]) => ({ position, ...refusal }));
  await tx.db.execute(sql`
    UPDATE rowmill.workflow_steps AS step
    SET state = 'failed', error_code = failure.code, error_message = left(failure.message, 2000), ended_at = statement_timestamp()
    FROM json_to_recordset(${storableJson(failures)}::json) AS failure (position smallint, code text, message text)
    WHERE step.workflow_id = ${workflowId} AND step.position = failure.position`);
}
