import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { PgUpdateSetSource } from "drizzle-orm/pg-core";
import { type Context, notify } from "../context.ts";
import { DomainError, notFound } from "../errors.ts";
import { type TaskEventType, taskEvents, tasks } from "../schema/tasks.ts";
import { allows, type Edge, transitions } from "./state.ts";

export type Task = typeof tasks.$inferSelect;

/** Its payload is the task's id. */
export const TASK_CHANNEL = "rowmill_task";

/** Who acts, and on whose tasks. */
export interface Acting {
  /** null: the service itself. */
  readonly actorId: number | null;
  /** null: anybody's. */
  readonly ownerId: number | null;
}

export function ownTasks(userId: number): Acting {
  return { actorId: userId, ownerId: userId };
}

/** What the audit trail says beside the event's type. */
export interface EventNote {
  readonly message?: string;
  readonly actorId?: number | null;
  readonly metadata?: Record<string, unknown>;
}

type Changes = Omit<PgUpdateSetSource<typeof tasks>, "id" | "status" | "updatedAt">;

/** A task that the actor may act on, locked until the commit. @throws DomainError `not_found` */
export async function lockTask(tx: Context, { ownerId }: Acting, taskId: string): Promise<Task> {
  const isOwn = ownerId === null ? undefined : eq(tasks.userId, ownerId);
  const [task] = await tx.db
    .select()
    .from(tasks)
    .where(and(eq(tasks.id, taskId), isOwn))
    .for("update");
  if (!task) throw notFound("task");
  return task;
}

/** @throws DomainError `conflict` that says which states allow it */
export function requireEdge({ status }: Pick<Task, "status">, edge: Edge, action: string): void {
  if (allows(edge, status)) return;
  const { from } = transitions[edge];
  throw new DomainError(
    "conflict",
    `A task that is ${status} can't be ${action}; one that is ${from.join(" or ")} can.`,
  );
}

/**
 * Takes an edge of those tasks that `where` picks and whose state allows it, in a transaction.
 * @returns them as they are now
 */
export async function takeEdge(
  tx: Context,
  edge: Edge,
  where: SQL | undefined,
  changes: Changes,
  note: EventNote = {},
): Promise<Task[]> {
  const { from, to, event } = transitions[edge];
  const changed = await tx.db
    .update(tasks)
    .set({ ...changes, status: to, updatedAt: sql`statement_timestamp()` })
    .where(and(where, inArray(tasks.status, [...from])))
    .returning();
  await recordEvent(
    tx,
    changed.map(({ id }) => id),
    event,
    note,
  );
  return changed;
}

/** Writes the same event of each task, and tells whoever watches them. */
export async function recordEvent(
  tx: Context,
  taskIds: readonly string[],
  type: TaskEventType,
  { message = "", actorId = null, metadata }: EventNote = {},
): Promise<void> {
  if (taskIds.length === 0) return;
  await tx.db.insert(taskEvents).select(
    sql`SELECT task_id, nextval('task_events_id_seq'), ${type}::task_event_type, ${message}, ${actorId}::bigint,
      ${metadata ? JSON.stringify(metadata) : null}::jsonb, statement_timestamp() FROM unnest(${sql.param([...taskIds])}::uuid[]) AS task_id`,
  );
  await notify(tx, TASK_CHANNEL, taskIds);
}
