import { sql } from "drizzle-orm";
import { lockOwners } from "../../accounts/lock-owners.ts";
import { requireRoom } from "../../accounts/quotas.ts";
import { requireEnabledOwner } from "../../accounts/require-enabled-owner.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { workflows } from "../../schema/workflows.ts";
import { requireFile } from "../../tasks/create/create-tasks.ts";
import { fileFieldOf, findFiles } from "../../tasks/create/find-files.ts";
import { requireUsableParams } from "../../tasks/create/require-usable-params.ts";
import { requireTypeRole } from "../../tasks/types/require-role.ts";
import { advanceWorkflow } from "../advance/advance-workflow.ts";
import { enqueueDeadline } from "../advance/deadline.ts";
import { countsOf } from "../advance/resolve.ts";
import { type CheckedStep, checkWorkflow } from "./check-workflow.ts";
import type { WorkflowRequest } from "./read-workflow.ts";

/**
 * Creates a workflow, and the tasks of its first steps.
 * @param scheduleId the schedule that creates it
 * @throws DomainError `invalid_input` that names each wrong field; `forbidden` if a type requires another role;
 * `account_disabled`; QuotaExceeded
 */
export function createWorkflow(
  ctx: Context,
  userId: number,
  request: WorkflowRequest,
  scheduleId: string | null = null,
): Promise<{ readonly id: string }> {
  return inTransaction(ctx, async (tx) => {
    await requireEnabledOwner(tx, userId);
    const steps = await prepareSteps(tx, userId, request);
    await requireRoom(tx, userId, { workflows: 1, tasks: steps.length, open_tasks: steps.length });
    await lockOwners(tx, [userId]);
    const id = uuidV7(ctx.now());
    const { name, kind, timeoutSeconds } = request;
    const counts = countsOf(steps.map(() => ({ state: "waiting" })));
    const deadlineAt = sql`now() + make_interval(secs => ${timeoutSeconds})`;
    await tx.db
      .insert(workflows)
      .values({ id, userId, name, kind, counts, timeoutSeconds, deadlineAt, scheduleId });
    await insertSteps(tx, id, steps);
    await enqueueDeadline(tx, { id, userId, run: 1, timeoutSeconds });
    await advanceWorkflow(tx, id);
    return { id };
  });
}

/**
 * Checks a workflow that is to be created now or later, except quotas.
 * @throws DomainError as `createWorkflow`
 */
export async function prepareSteps(tx: Tx, userId: number, request: WorkflowRequest): Promise<StoredStep[]> {
  const steps = checkWorkflow(tx.config, request);
  await requireTypeRole(
    tx,
    userId,
    steps.map(({ taskType }) => taskType),
  );
  const known = steps.filter(({ hasTemplates }) => !hasTemplates);
  await requireUsableParams(
    tx,
    userId,
    known.map(({ taskType, task, field }) => ({
      type: taskType,
      params: checkedParams(task.params),
      field: `${field}.params`,
    })),
  );
  return withFiles(tx, userId, steps);
}

/** `checkWorkflow` has checked them. */
function checkedParams(params: unknown): Record<string, unknown> {
  return typeof params === "object" && params !== null ? { ...params } : {};
}

interface StoredStep extends CheckedStep {
  readonly fileId: string | null;
}

/** Finds the files that are known now. A path of an uploaded file becomes its id, so that the file is kept until then. */
async function withFiles(tx: Tx, userId: number, steps: readonly CheckedStep[]): Promise<StoredStep[]> {
  const fieldOf = (index: number) => steps[index]?.field ?? "";
  const references = steps.map(({ task, hasFileTemplate }) => (hasFileTemplate ? {} : task));
  const found = await findFiles(tx, userId, references, fieldOf);
  return steps.map((step, index) => {
    const file = step.hasFileTemplate ? { fileBytes: 0 } : (found[index] ?? null);
    requireFile(step.taskType, file, () => fileFieldOf(step.task, step.field));
    return { ...step, fileId: found[index]?.fileId ?? null };
  });
}

/** In one statement each, because there can be a thousand steps. */
async function insertSteps(tx: Tx, id: string, steps: readonly StoredStep[]): Promise<void> {
  if (steps.length === 0) return;
  const rows = steps.map(({ name, type, task, hasTemplates, fileId, onFailure, when }, position) => ({
    position,
    name,
    type,
    task,
    hasTemplates,
    fileId,
    onFailure,
    when,
  }));
  await tx.db.execute(sql`
    INSERT INTO rowmill.workflow_steps (workflow_id, position, name, type, task, has_templates, file_id, on_failure, run_when)
    SELECT ${id}, position, name, type, task, "hasTemplates", "fileId", "onFailure"::rowmill.workflow_on_failure,
      "when"::rowmill.workflow_when
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS step (position smallint, name text, type text, task json,
      "hasTemplates" boolean, "fileId" uuid, "onFailure" text, "when" text)`);
  const edges = steps.flatMap(({ dependsOn }, step) =>
    dependsOn.map((dependency, ordinal) => ({ step, ordinal, dependency })),
  );
  if (edges.length === 0) return;
  await tx.db.execute(sql`
    INSERT INTO rowmill.workflow_edges (workflow_id, step, ordinal, dependency)
    SELECT ${id}, step, ordinal, dependency
    FROM json_to_recordset(${JSON.stringify(edges)}::json) AS edge (step smallint, ordinal smallint, dependency smallint)`);
}
