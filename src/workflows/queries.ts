/** Reads of workflows. `ownerId` null: the workflows of all users, for operators. */
import { and, asc, desc, eq, getTableColumns, inArray, type SQL, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { type TaskStatus, tasks } from "../schema/tasks.ts";
import { type StepState, workflowSteps, workflows } from "../schema/workflows.ts";
import type { Owner } from "../tasks/transitions.ts";

export type Workflow = typeof workflows.$inferSelect;

function isOf(ownerId: Owner): SQL | undefined {
  return ownerId === null ? undefined : eq(workflows.userId, ownerId);
}

/** @throws DomainError `not_found` */
export async function getWorkflow(
  { db }: Pick<Context, "db">,
  ownerId: Owner,
  id: string,
): Promise<Workflow> {
  const [workflow] = await db
    .select()
    .from(workflows)
    .where(and(eq(workflows.id, id), isOf(ownerId)));
  if (!workflow) throw notFound("workflow");
  return workflow;
}

/** Locks a workflow of this owner until the commit. @throws DomainError `not_found` */
export async function lockWorkflow(tx: Tx, ownerId: Owner, id: string): Promise<Workflow> {
  const [workflow] = await tx.db
    .select()
    .from(workflows)
    .where(and(eq(workflows.id, id), isOf(ownerId)))
    .for("no key update");
  if (!workflow) throw notFound("workflow");
  return workflow;
}

/** Equal states of all steps have equal values. */
const stepStates = sql<string>`(
  SELECT md5(string_agg(concat(step.state, task.status), ',' ORDER BY step.position))
  FROM rowmill.workflow_steps AS step LEFT JOIN rowmill.tasks AS task ON task.id = step.task_id AND step.state = 'queued'
  WHERE step.workflow_id = workflows.id)`;

/** Reads those of the workflows that exist, by id. */
export function readWorkflows(
  ctx: Context,
  ids: readonly string[],
): Promise<Found<Workflow & { readonly stepStates: string }>> {
  return readPage(ctx, {
    fields: { ...getTableColumns(workflows), stepStates },
    from: sql`${workflows} WHERE ${inArray(workflows.id, [...ids])} ORDER BY ${asc(workflows.id)}`,
    order: sql`id`,
    limit: ids.length,
  });
}

/** Counts those of the workflows that exist and belong to the owner. */
export function countWorkflows({ db }: Context, ownerId: Owner, ids: readonly string[]): Promise<number> {
  return db.$count(workflows, and(inArray(workflows.id, [...ids]), isOf(ownerId)));
}

/** A workflow and its steps by position, without their tasks and results. */
export interface WorkflowDetail extends Workflow {
  readonly steps: readonly ListedStep[];
}

export interface ListedStep {
  readonly name: string;
  readonly type: string;
  readonly onFailure: (typeof workflowSteps.$inferSelect)["onFailure"];
  readonly when: (typeof workflowSteps.$inferSelect)["when"];
  readonly state: StepState;
  readonly taskId: string | null;
  /** The status of a queued step's task. */
  readonly taskStatus: TaskStatus | null;
  readonly attempt: number;
  readonly resultBytes: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly cause: number | null;
  readonly endedAt: Date | null;
}

/** Error messages of a thousand steps must not fill an answer. GET of a step has the whole text. */
const MAX_LISTED_MESSAGE = 300;

/** @throws DomainError `not_found` */
export async function getWorkflowDetail(ctx: Context, ownerId: Owner, id: string): Promise<WorkflowDetail> {
  const workflow = await getWorkflow(ctx, ownerId, id);
  const { name, type, onFailure, when, state, taskId, attempt, resultBytes, errorCode, cause, endedAt } =
    workflowSteps;
  const errorMessage = sql<string | null>`left(${workflowSteps.errorMessage}, ${MAX_LISTED_MESSAGE})`;
  const own = { name, type, onFailure, when, state, taskId, attempt, resultBytes, errorCode, cause, endedAt };
  const steps = await ctx.db
    .select({ ...own, errorMessage, taskStatus: tasks.status })
    .from(workflowSteps)
    .leftJoin(tasks, and(eq(tasks.id, workflowSteps.taskId), eq(workflowSteps.state, "queued")))
    .where(eq(workflowSteps.workflowId, id))
    .orderBy(asc(workflowSteps.position));
  return { ...workflow, steps };
}

export type Edge = Record<"from" | "to", string>;

/** @returns the dependencies of all steps, by name */
export async function listEdges({ db }: Context, id: string): Promise<Edge[]> {
  const { rows } = await db.execute<Edge>(sql`
    SELECT dependency.name AS "from", step.name AS "to"
    FROM rowmill.workflow_edges AS edge
    JOIN rowmill.workflow_steps AS step ON step.workflow_id = edge.workflow_id AND step.position = edge.step
    JOIN rowmill.workflow_steps AS dependency
      ON dependency.workflow_id = edge.workflow_id AND dependency.position = edge.dependency
    WHERE edge.workflow_id = ${id} ORDER BY edge.step, edge.ordinal`);
  return rows;
}

export type Step = typeof workflowSteps.$inferSelect;

/** @throws DomainError `not_found` */
export async function getStep({ db }: Context, workflowId: string, name: string): Promise<Step> {
  const [step] = await db
    .select()
    .from(workflowSteps)
    .where(and(eq(workflowSteps.workflowId, workflowId), eq(workflowSteps.name, name)));
  if (!step) throw notFound("step");
  return step;
}

export async function nameOfStep(
  { db }: Context,
  workflowId: string,
  position: number,
): Promise<string | null> {
  const [step] = await db
    .select({ name: workflowSteps.name })
    .from(workflowSteps)
    .where(and(eq(workflowSteps.workflowId, workflowId), eq(workflowSteps.position, position)));
  return step?.name ?? null;
}

const MAX_ATTEMPTS = 100;

/** The latest tasks of a step, newest first. */
export function listAttempts({ db }: Context, { workflowId, position }: Step) {
  const { id, status, errorCode, errorMessage, createdAt, startedAt } = tasks;
  const { completedAt, cancelledAt } = tasks;
  return db
    .select({ id, status, errorCode, errorMessage, createdAt, startedAt, completedAt, cancelledAt })
    .from(tasks)
    .where(and(eq(tasks.workflowId, workflowId), eq(tasks.workflowStep, position)))
    .orderBy(desc(tasks.number))
    .limit(MAX_ATTEMPTS);
}
