/** Completes tasks that end at about the same time in one statement. */
import { sql } from "drizzle-orm";
import { type Announced, afterAnnouncing, announcedExpression } from "../../announcements/announce.ts";
import { announcing } from "../../announcements/announcing.ts";
import { type Context, changeExpression, publishLocally, sharedContext } from "../../context.ts";
import { Grouped } from "../../platform/grouped.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { onePer } from "../../platform/one-per.ts";
import { isTransient } from "../../platform/postgres/database.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import { announcedColumns, TASK_CHANNEL, type Task } from "../transitions.ts";
import type { TaskResult } from "../types/task-type.ts";
import { wakeWaitingTicks } from "../wake-ticks.ts";
import { lockedTask } from "./locked-task.ts";

/** The fields that the end of an attempt decides. */
export type EndedTask = Pick<Task, "id" | "status" | "errorCode">;

const MAX_TASKS = 100;
/** The results of one statement. A larger result has a statement of its own. */
const MAX_BYTES = 1024 * 1024;

interface Completion {
  readonly task: Task;
  readonly json: string;
  readonly message: string;
  readonly traceparent: string | null;
}

const groupOf = onePer<Context["pool"], Grouped<Completion, boolean>>();

/**
 * @param task it has no next task and belongs to no workflow
 * @returns undefined if the task must be completed alone, because another transaction holds it, or if it cannot be
 */
export async function completeTogether(
  ctx: Context,
  task: Task,
  result: TaskResult,
): Promise<EndedTask | undefined> {
  const group = groupOf(ctx.pool, () => {
    const shared = sharedContext(ctx);
    const complete = (all: readonly Completion[]) => completeAll(shared, all);
    const bytesOf = ({ json }: Completion) => Buffer.byteLength(json);
    return new Grouped(complete, isTransient, { maxItems: MAX_TASKS, maxBytes: MAX_BYTES, bytesOf });
  });
  const traceparent = ctx.tracing.traceparent();
  const json = storableJson(result);
  const isCompleted = await group.add({ task, json, message: result.message, traceparent });
  return isCompleted ? { id: task.id, status: "completed", errorCode: null } : undefined;
}

/** Each outcome counts only for its own attempt. @returns which tasks were completed */
async function completeAll(ctx: Context, completions: readonly Completion[]): Promise<boolean[]> {
  // Alone, a task needs no lock before, and mostly no announcement.
  if (completions.length === 1) return [false];
  const column = <T>(of: (completion: Completion) => T) => sql.param(completions.map(of));
  const events = sql`SELECT notification_id, traceparent, ${announcedColumns(sql`message`)} FROM changed`;
  const { rows } = await ctx.db.execute<{
    id: string;
    attempt: number;
    announced: readonly Announced[] | null;
  }>(sql`
    WITH held AS MATERIALIZED (
      SELECT given.* FROM unnest(${column(({ task }) => task.id)}::uuid[], ${column(({ task }) => task.attempt)}::int[],
        ${column(({ json }) => json)}::text[], ${column(({ message }) => message)}::text[],
        ${column(() => uuidV7(ctx.now()))}::uuid[], ${column(({ traceparent }) => traceparent)}::text[])
        AS given (id, attempt, result, message, notification_id, traceparent)
      CROSS JOIN ${lockedTask(sql`given.id`, sql`attempt, status`)} AS task
      WHERE task.attempt = given.attempt AND task.status = 'processing'
    ), changed AS (
      UPDATE rowmill.tasks SET status = 'completed', progress = 100, result = held.result::json, error_message = NULL,
        completed_at = statement_timestamp(), updated_at = statement_timestamp()
      FROM held WHERE tasks.id = held.id
      RETURNING tasks.id, tasks.attempt, tasks.user_id, tasks.type, tasks.title, held.message, held.notification_id, held.traceparent
    ), recorded AS (
      INSERT INTO rowmill.task_events (task_id, type, message, created_at)
      SELECT id, 'completed', message, statement_timestamp() FROM changed
    ), announced AS (${announcing(ctx, { kind: "task.completed", events })})
    SELECT id, attempt, ${changeExpression(TASK_CHANNEL, sql`id::text`)} AS published, ${announcedExpression()} AS announced
    FROM changed`);
  const completed = new Map(rows.map(({ id, attempt }) => [id, attempt]));
  const isCompleted = ({ task }: Completion) => completed.get(task.id) === task.attempt;
  publishLocally(ctx, TASK_CHANNEL, [...completed.keys()]);
  await addFollowingJobs(ctx, completions.filter(isCompleted), rows[0]?.announced);
  return completions.map(isCompleted);
}

/** The tasks have completed, so an error must not make it look as if they had not. */
async function addFollowingJobs(
  ctx: Context,
  ended: readonly Completion[],
  announced: readonly Announced[] | null | undefined,
): Promise<void> {
  const ofSchedules = ended.map(({ task: { scheduleId } }) => ({ scheduleId, status: "completed" as const }));
  try {
    await afterAnnouncing(ctx, announced);
    await wakeWaitingTicks(ctx, ofSchedules);
  } catch (error) {
    ctx.log.warn({ err: error }, "could not add jobs after the end of tasks; the reconciler adds them");
  }
}
