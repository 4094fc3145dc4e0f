import { and, eq, getTableColumns, inArray, type SQL, sql } from "drizzle-orm";
import type { PgUpdateSetSource } from "drizzle-orm/pg-core";
import { type Announced, afterAnnouncing, announcedExpression } from "../announcements/announce.ts";
import { announcing, isSilentByDefault, ownNotification, wantsNone } from "../announcements/announcing.ts";
import type { Kind } from "../announcements/kinds.ts";
import { type Context, changeExpression, publishChange, publishLocally, type Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { type TaskEventType, tasks } from "../schema/tasks.ts";
import { type Edge, hasEnded, type TaskTransition, transitions } from "./state.ts";
import { advanceWorkflows } from "./task-jobs.ts";
import { wakeWaitingTicks } from "./wake-ticks.ts";

export type Task = typeof tasks.$inferSelect;

/** The payload is the id of the task. */
export const TASK_CHANNEL = "rowmill_task";

/** The payload is the id of the workflow. */
export const WORKFLOW_CHANNEL = "rowmill_workflow";

/** The user whose tasks are meant; null: the tasks of all users. */
export type Owner = number | null;

/** Matches the task unless a later attempt has started. */
export function isAttempt({ id, attempt }: Pick<Task, "id" | "attempt">): SQL | undefined {
  return and(eq(tasks.id, id), eq(tasks.attempt, attempt));
}

export function isOwnedBy(ownerId: Owner): SQL | undefined {
  return ownerId === null ? undefined : eq(tasks.userId, ownerId);
}

/** Matches the tasks that do not belong to a running workflow. */
export const isOutsideRunningWorkflow = sql`NOT EXISTS (
  SELECT FROM rowmill.workflows WHERE workflows.id = ${tasks.workflowId} AND workflows.state = 'running')`;

export interface EventNote {
  readonly message?: string;
  readonly metadata?: Record<string, unknown>;
}

type Changes = Omit<PgUpdateSetSource<typeof tasks>, "id" | "status" | "updatedAt">;

/** Locks a task of this owner until the commit. @throws DomainError `not_found` */
export async function lockTask(tx: Tx, ownerId: Owner, taskId: string): Promise<Task> {
  const [task] = await tx.db
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, taskId), isOwnedBy(ownerId)))
    .for("update");
  if (!task) throw notFound("task");
  return task;
}

/**
 * Changes the state of the tasks that match `where` and whose state allows the edge, records the events, announces an
 * end, and publishes the changes. It needs no transaction: starting and ending a task costs one statement each. Only the end
 * of a task of a workflow needs one, because it also enqueues the job that advances the workflow.
 * @returns the changed tasks
 */
export async function transition(
  ctx: Context,
  edge: Edge,
  where: SQL | undefined,
  changes: Changes,
  note: EventNote = {},
): Promise<Task[]> {
  const { announces }: TaskTransition = transitions[edge];
  if (announces && isSilentByDefault(announces)) {
    // Nearly always the only statement. PostgreSQL plans it in half of the time of the one that announces.
    const isSilent = and(where, wantsNone(announces, tasks.userId));
    const changed = await change(ctx, edge, isSilent, changes, note, null);
    if (changed.length > 0) return changed;
  }
  return change(ctx, edge, where, changes, note, announces ?? null);
}

async function change(
  ctx: Context,
  edge: Edge,
  where: SQL | undefined,
  changes: Changes,
  note: EventNote,
  announces: Kind | null,
): Promise<Task[]> {
  const { from, to, event } = transitions[edge];
  // As text: the planner may expect few tasks in these states, and read all of them through an index of states (decision 79).
  const isInFrom = inArray(sql`${tasks.status}::text`, [...from]);
  const update = ctx.db
    .update(tasks)
    .set({ ...changes, status: to, updatedAt: sql`statement_timestamp()` })
    .where(and(where, isInFrom))
    .returning();
  const announced = announces && sql`, announced AS (${announcement(ctx, announces, note)})`;
  const { rows } = await ctx.db.execute<
    Record<string, unknown> & { announced: readonly Announced[] | null }
  >(sql`
    WITH changed AS ${update}, recorded AS (${eventsOf(ctx, sql`SELECT id FROM changed`, event, note)})${announced ?? undefined}
    SELECT changed.*, ${changeExpression(TASK_CHANNEL, sql`id::text`)} AS published,
      CASE WHEN workflow_id IS NOT NULL THEN ${changeExpression(WORKFLOW_CHANNEL, sql`workflow_id::text`)} END AS workflow,
      ${announced ? announcedExpression() : null} AS announced
    FROM changed`);
  const changed = rows.map(taskOf);
  publishLocally(
    ctx,
    TASK_CHANNEL,
    changed.map(({ id }) => id),
  );
  const ofWorkflows = changed.filter(({ workflowId }) => workflowId !== null);
  if (ofWorkflows.length > 0) {
    publishLocally(ctx, WORKFLOW_CHANNEL, [
      ...new Set(ofWorkflows.map(({ workflowId }) => workflowId ?? "")),
    ]);
    if (hasEnded(to)) await advanceWorkflows(ctx, ofWorkflows);
  }
  await afterAnnouncing(ctx, rows[0]?.announced);
  await wakeWaitingTicks(ctx, changed);
  return changed;
}

/** Announcements are short, also about tasks with long titles. */
const MAX_TEXT = 500;

function announcement(ctx: Context, kind: Kind, { message = "" }: EventNote): SQL {
  return announcing(ctx, {
    kind,
    events: sql`SELECT ${ownNotification(ctx)}, ${announcedColumns(sql`${message}::text`)} FROM changed`,
  });
}

/** Returns the columns of an announcement about a task, for `announcing`. @param message the SQL of its text */
export function announcedColumns(message: SQL): SQL {
  return sql`user_id, id::text AS subject_id, attempt AS sequence, json_build_object('task_id', id, 'type', type,
    'title', left(title, ${MAX_TEXT}), 'message', left(${message}, ${MAX_TEXT})) AS data`;
}

const columns = Object.entries(getTableColumns(tasks));

/** Maps a row of the driver as drizzle does. */
export function taskOf(row: Record<string, unknown>): Task {
  const values = columns.map(([key, column]) => {
    const value = row[column.name];
    return [key, value === null ? null : column.mapFromDriverValue(value)];
  });
  return Object.fromEntries(values) as Task;
}

/** Records the same event for each task, and publishes the changes. */
export async function recordEvent(
  tx: Tx,
  taskIds: readonly string[],
  type: TaskEventType,
  note: EventNote = {},
): Promise<void> {
  if (taskIds.length === 0) return;
  const ids = sql`SELECT id FROM unnest(${sql.param([...taskIds])}::uuid[]) AS task (id)`;
  await tx.db.execute(eventsOf(tx, ids, type, note));
  await publishChange(tx, TASK_CHANNEL, taskIds);
}

/** @param ids a query that returns the `id` of each task */
function eventsOf(
  { actor }: Context,
  ids: SQL,
  type: TaskEventType,
  { message = "", metadata }: EventNote,
): SQL {
  const json = metadata ? JSON.stringify(metadata) : null;
  return sql`
    INSERT INTO rowmill.task_events (task_id, type, message, actor_id, metadata, created_at)
    SELECT id, ${type}::rowmill.task_event_type, ${message}, ${actor?.id ?? null}::bigint, ${json}::json, statement_timestamp()
    FROM (${ids}) AS task`;
}
