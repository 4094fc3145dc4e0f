import { and, count, desc, inArray, isNull, lte, max, notInArray, type SQL } from "drizzle-orm";
import type { AuditAction } from "../../audit/actions.ts";
import { recordBulk } from "../../audit/record-bulk.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { requireExpected } from "../../errors.ts";
import { requireStorable } from "../../platform/postgres/storable.ts";
import { type TaskStatus, taskStatus, tasks } from "../../schema/tasks.ts";
import type { TaskAction } from "../allowed-actions.ts";
import { matches, type TaskFilter } from "../queries.ts";
import { transitions } from "../state.ts";
import { isOutsideRunningWorkflow } from "../transitions.ts";
import { typesDeniedTo } from "../types/require-role.ts";
import { cancelTasks } from "./cancel-task.ts";
import { deleteTasks } from "./delete-task.ts";
import { retryTasks } from "./retry-task.ts";

export interface BulkChange {
  readonly action: TaskAction;
  readonly filter: TaskFilter;
  /** The number of matches from an earlier call. Absent: counts and changes nothing. */
  readonly expect?: number | undefined;
  /** For `cancel`. */
  readonly reason?: string | undefined;
  /** For `retry`: retries completed tasks as well. */
  readonly force?: boolean | undefined;
}

export interface Changed {
  readonly matched: number;
  readonly changed: number;
}

const RECORDED: Readonly<Record<TaskAction, AuditAction>> = {
  cancel: "tasks.cancelled",
  retry: "tasks.retried",
  delete: "tasks.deleted",
};

/** Tasks per transaction, so that no lock is held for long. */
const PAGE = 1000;

/** An HTTP request stops after this time, because connections without traffic are closed after two minutes. */
export const REQUEST_SECONDS = 60;

/**
 * Changes all tasks of all users that match the filter and whose state allows the action. Tasks that are created after
 * the count stay unchanged.
 * @param seconds the time limit, after which it stops with `changed` below `matched`
 * @throws DomainError `conflict` if the number of matches is not `expect`; `invalid_input` if PostgreSQL cannot store the
 * reason
 */
export async function changeTasks(
  ctx: Context,
  change: BulkChange,
  seconds = Number.POSITIVE_INFINITY,
): Promise<Changed> {
  requireStorable(change.reason ?? "", "reason");
  const { matched, newest } = await countChangeable(ctx, change);
  if (change.expect === undefined) return { matched, changed: 0 };
  requireExpected(matched, change.expect);
  const { action, filter, reason, force } = change;
  const entry = {
    action: RECORDED[action],
    subject: { type: "tasks", id: "*" },
    ownerId: filter.userId ?? null,
    details: { filter, reason, force },
  };
  const run = () => changePages(ctx, change, newest, seconds);
  return { matched, changed: await recordBulk(ctx, entry, matched, run) };
}

/** Counts the tasks that would be changed. @returns also the number (`tasks.number`) of the newest one */
export async function countChangeable(
  ctx: Context,
  change: BulkChange,
): Promise<{ matched: number; newest: number }> {
  const [found] = await ctx.db
    .select({ matched: count(), newest: max(tasks.number) })
    .from(tasks)
    .where(isChangeable(ctx, change));
  return { matched: found?.matched ?? 0, newest: found?.newest ?? 0 };
}

/**
 * Changes the newest tasks first, so that a task of a sequence is changed before the task that it waits for.
 * @returns the number of changed tasks
 */
export async function changePages(
  ctx: Context,
  change: BulkChange,
  newest: number,
  seconds: number,
): Promise<number> {
  const endsAt = performance.now() + seconds * 1000;
  let changed = 0;
  let upTo = newest;
  do {
    const page = await inTransaction(ctx, async (tx) => {
      const found = await tx.db
        .select({ id: tasks.id, number: tasks.number })
        .from(tasks)
        .where(and(isChangeable(ctx, change), lte(tasks.number, upTo)))
        .orderBy(desc(tasks.number))
        .limit(PAGE)
        .for("update");
      if (found.length === 0) return null;
      const ids = found.map(({ id }) => id);
      const done = await applyChange(tx, change, inArray(tasks.id, ids));
      return { done, next: (found.at(-1)?.number ?? 0) - 1 };
    });
    if (!page) break;
    changed += page.done;
    upTo = page.next;
  } while (performance.now() < endsAt);
  return changed;
}

function isChangeable(ctx: Context, { action, filter, force }: BulkChange): SQL | undefined {
  return and(matches(filter), inArray(tasks.status, statusesFor(action, force)), isAllowed(ctx, action));
}

/** Workflows retry their own tasks, and need them while they run. */
function isAllowed(ctx: Context, action: TaskAction): SQL | undefined {
  if (action === "retry") return and(notInArray(tasks.type, typesDeniedTo(ctx)), isNull(tasks.workflowId));
  return action === "delete" ? isOutsideRunningWorkflow : undefined;
}

function statusesFor(action: TaskAction, force = false): TaskStatus[] {
  const { cancel, retry, forceRetry } = transitions;
  if (action === "delete") return [...taskStatus.enumValues];
  if (action === "cancel") return [...cancel.from];
  return force ? [...retry.from, ...forceRetry.from] : [...retry.from];
}

async function applyChange(tx: Tx, change: BulkChange, where: SQL): Promise<number> {
  const { action, reason = "", force = false } = change;
  if (action === "delete") return deleteTasks(tx, where);
  if (action === "cancel") return (await cancelTasks(tx, where, reason)).length;
  return (await retryTasks(tx, where, { force })).length;
}
