import { and, desc, eq, inArray } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { deterministicJobId } from "../../platform/ids.ts";
import { scheduleTicks } from "../../schema/schedules.ts";
import { OPEN_TASK_STATUSES, tasks } from "../../schema/tasks.ts";
import { workflows } from "../../schema/workflows.ts";
import { cancelTasks } from "../../tasks/control/cancel-task.ts";
import { createTasks } from "../../tasks/create/create-tasks.ts";
import { type TaskBody, taskRequestOf } from "../../tasks/create/task-body.ts";
import { cancelWorkflow } from "../../workflows/control/cancel-workflow.ts";
import { createWorkflow } from "../../workflows/create/create-workflow.ts";
import { readWorkflow } from "../../workflows/create/read-workflow.ts";
import { jobOf } from "../builtins.ts";
import type { Schedule, Tick } from "../queries.ts";

export type Work = Partial<Pick<Tick, "taskId" | "workflowId" | "jobId">>;

/**
 * Creates what the schedule is for, as its owner.
 * @throws DomainError as the request of the owner would
 */
export async function createWork(tx: Tx, schedule: Schedule, tickAt: Date): Promise<Work> {
  const { id: scheduleId, userId, builtin, task, workflow } = schedule;
  if (builtin !== null) {
    const payload = { tickAt: tickAt.toISOString() };
    const jobId = deterministicJobId("schedule", builtin, payload.tickAt);
    await tx.queue.add(tx.db, jobOf(builtin), [{ id: jobId, payload, group: builtin }]);
    return { jobId };
  }
  const ownerId = userId ?? 0;
  if (workflow) {
    return { workflowId: (await createWorkflow(tx, ownerId, readWorkflow(workflow), scheduleId)).id };
  }
  const request = taskRequestOf(task as TaskBody);
  const created = await createTasks(tx, ownerId, [request], { schedules: [scheduleId] });
  return { taskId: created.tasks[0]?.id ?? null };
}

const openTasksOf = ({ id }: Schedule) =>
  and(eq(tasks.scheduleId, id), inArray(tasks.status, [...OPEN_TASK_STATUSES]));

/** Returns the id of work of earlier ticks that has not ended; null: all of it has. */
export async function findOpenWork(tx: Tx, schedule: Schedule): Promise<string | null> {
  if (schedule.builtin !== null) return openJobOf(tx, schedule, schedule.builtin);
  const [task] = await tx.db.select({ id: tasks.id }).from(tasks).where(openTasksOf(schedule)).limit(1);
  if (task) return task.id;
  const [workflow] = await openWorkflowsOf(tx, schedule).limit(1);
  return workflow?.id ?? null;
}

function openWorkflowsOf({ db }: Tx, { id }: Schedule) {
  const isOpen = and(eq(workflows.scheduleId, id), eq(workflows.state, "running"));
  return db.select({ id: workflows.id }).from(workflows).where(isOpen);
}

async function openJobOf(tx: Tx, { id }: Schedule, builtin: string): Promise<string | null> {
  const [last] = await tx.db
    .select({ jobId: scheduleTicks.jobId })
    .from(scheduleTicks)
    .where(and(eq(scheduleTicks.scheduleId, id), eq(scheduleTicks.state, "created")))
    .orderBy(desc(scheduleTicks.tickAt))
    .limit(1);
  if (!last?.jobId) return null;
  const live = await tx.queue.live(tx.db, jobOf(builtin), [last.jobId]);
  return live.has(last.jobId) ? last.jobId : null;
}

/** Cancels the work of earlier ticks. Jobs of built-in schedules cannot be cancelled. */
export async function cancelOpenWork(tx: Tx, schedule: Schedule, reason: string): Promise<void> {
  await cancelTasks(tx, openTasksOf(schedule), reason);
  // Locked: one that ends at this moment could not be cancelled any more, and the tick would fail.
  const running = await openWorkflowsOf(tx, schedule).for("no key update");
  for (const { id } of running) await cancelWorkflow(tx, null, id, reason);
}
