import { and, eq, sql } from "drizzle-orm";
import { announce } from "../../announcements/announce.ts";
import { type Context, inTransaction, publishChange, type Tx } from "../../context.ts";
import type { Payload } from "../../jobs.ts";
import { Later } from "../../platform/queue/later.ts";
import { workflows } from "../../schema/workflows.ts";
import { WORKFLOW_CHANNEL } from "../../tasks/transitions.ts";
import { wakeTicksAfterWorkflow } from "../../tasks/wake-ticks.ts";
import { cancelSteps } from "./cancel-steps.ts";
import { dequeueDeadline } from "./deadline.ts";
import { type NamedStep, readGraph } from "./graph.ts";
import { countsOf, type Decisions, isFinal, resolve } from "./resolve.ts";
import { isSettled, settleSteps } from "./settle-steps.ts";
import { startSteps } from "./start-steps.ts";

/** Steps that run at the same time, from which on their ends are recorded together, and how often. */
const LARGE = 50;
const PAUSE_SECONDS = 0.5;

/**
 * Handles the end of a task, or the deadline. If many steps run at the same time, their ends are recorded twice per second: a
 * thousand steps that end at once would otherwise be read a thousand times.
 */
export async function handleWorkflowJob(
  ctx: Context,
  { workflowId, taskId }: Payload<"advanceWorkflow">,
): Promise<Later | undefined> {
  if (taskId !== undefined && (await isSettled(ctx, taskId))) return undefined;
  if (taskId !== undefined && (await isRecentAndLarge(ctx, workflowId)))
    return new Later(PAUSE_SECONDS, { workflowId, taskId });
  return inTransaction(ctx, async (tx) => {
    const workflow = await lockRunning(tx, workflowId);
    if (!workflow || (taskId !== undefined && (await isSettled(tx, taskId)))) return undefined;
    await advance(tx, workflow);
    const { secondsLeft } = workflow;
    return taskId === undefined && secondsLeft > 0 ? new Later(secondsLeft, { workflowId }) : undefined;
  });
}

async function isRecentAndLarge({ db }: Context, workflowId: string): Promise<boolean> {
  const isRecent = sql`updated_at > statement_timestamp() - make_interval(secs => ${PAUSE_SECONDS})`;
  const { rows } = await db.execute(sql`
    SELECT FROM rowmill.workflows
    WHERE id = ${workflowId} AND ${isRecent} AND (counts->>'queued')::int >= ${LARGE}`);
  return rows.length > 0;
}

/**
 * Records the steps that have ended, starts those that can start, and ends the workflow if all are final or its deadline has
 * passed. Everything is computed from the rows, so it can run at any time and any number of times.
 */
export async function advanceWorkflow(tx: Tx, workflowId: string): Promise<void> {
  const workflow = await lockRunning(tx, workflowId);
  if (workflow) await advance(tx, workflow);
}

type Running = NonNullable<Awaited<ReturnType<typeof lockRunning>>>;

async function lockRunning({ db }: Tx, workflowId: string) {
  const { id, userId, name, run, timeoutSeconds } = workflows;
  const secondsLeft = sql<number>`extract(epoch FROM deadline_at - statement_timestamp())::float8`;
  const [workflow] = await db
    .select({ id, userId, name, run, timeoutSeconds, secondsLeft })
    .from(workflows)
    .where(and(eq(workflows.id, workflowId), eq(workflows.state, "running")))
    .for("no key update");
  return workflow;
}

async function advance(tx: Tx, workflow: Running): Promise<void> {
  await settleSteps(tx, workflow.id);
  const graph = await readGraph(tx, workflow.id);
  if (workflow.secondsLeft <= 0 && !graph.every(isFinal)) {
    const reason = `The deadline has passed: the workflow may take ${workflow.timeoutSeconds} seconds (timeout_seconds).`;
    await cancelSteps({ ...tx, actor: null }, workflow, reason);
    await announceEnd(tx, workflow, "workflow.failed", reason);
    return;
  }
  const outcome = await runSteps(tx, workflow, graph);
  const counts = countsOf(graph);
  const end = outcome ? { state: outcome, endedAt: sql`statement_timestamp()` } : {};
  await tx.db
    .update(workflows)
    .set({ counts, updatedAt: sql`statement_timestamp()`, ...end })
    .where(eq(workflows.id, workflow.id));
  await publishChange(tx, WORKFLOW_CHANNEL, [workflow.id]);
  if (!outcome) return;
  await dequeueDeadline(tx, workflow);
  await wakeTicksAfterWorkflow(tx, workflow.id);
  const { completed, skipped } = counts;
  const message =
    outcome === "completed"
      ? `${completed} of ${graph.length} steps completed, ${skipped} were skipped.`
      : `${counts.failed} of ${graph.length} steps failed: ${failedNames(graph)}.`;
  await announceEnd(tx, workflow, `workflow.${outcome}`, message);
}

/** Applies decisions until nothing changes: a step that cannot start fails, which decides about others. */
async function runSteps(tx: Tx, workflow: Running, graph: NamedStep[]): Promise<Decisions["outcome"]> {
  for (;;) {
    const { queue, skip, outcome } = resolve(graph);
    if (skip.length > 0) await skipSteps(tx, workflow.id, skip);
    for (const { position, cause } of skip) change(graph, position, { state: "skipped", cause });
    if (queue.length === 0) return outcome;
    // The service starts steps, unless they start in the request that creates the workflow or retries it.
    const failed = await startSteps(tx, workflow, graph, queue);
    for (const position of queue)
      change(graph, position, { state: failed.has(position) ? "failed" : "queued" });
    if (failed.size === 0) return null;
  }
}

function change(graph: NamedStep[], position: number, values: Partial<NamedStep>): void {
  const step = graph[position];
  if (step) graph[position] = { ...step, ...values };
}

async function skipSteps(tx: Tx, workflowId: string, skip: Decisions["skip"]): Promise<void> {
  await tx.db.execute(sql`
    UPDATE rowmill.workflow_steps AS step SET state = 'skipped', cause = skipped.cause, ended_at = statement_timestamp()
    FROM json_to_recordset(${JSON.stringify(skip)}::json) AS skipped (position smallint, cause smallint)
    WHERE step.workflow_id = ${workflowId} AND step.position = skipped.position AND step.state = 'waiting'`);
}

const MAX_NAMES = 5;

function failedNames(graph: readonly NamedStep[]): string {
  const names = graph.filter(({ state }) => state === "failed").map(({ name }) => name);
  return names.slice(0, MAX_NAMES).join(", ") + (names.length > MAX_NAMES ? ", …" : "");
}

async function announceEnd(
  tx: Tx,
  { id, userId, name, run }: Running,
  kind: "workflow.completed" | "workflow.failed",
  message: string,
): Promise<void> {
  const data = { workflow_id: id, name, message };
  await announce(tx, { kind, userId, subjectId: id, sequence: run, data });
}
