import { and, count, desc, inArray, lte, max, type SQL } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { type TaskStatus, taskStatus, tasks } from "../../schema/tasks.ts";
import { matches, type TaskFilter } from "../queries.ts";
import { transitions } from "../state.ts";
import { cancelTasks } from "./cancel-task.ts";
import { deleteTasks } from "./delete-task.ts";
import { retryTasks } from "./retry-task.ts";

export type TaskAction = "cancel" | "retry" | "delete";

export interface BulkChange {
  readonly action: TaskAction;
  readonly filter: TaskFilter;
  /** How many there are, by the count before. Absent: they are counted, and nothing changes. */
  readonly expect?: number | undefined;
  /** Of a cancel. */
  readonly reason?: string | undefined;
  /** Of a retry: also those that have completed. */
  readonly force?: boolean | undefined;
}

export interface Changed {
  readonly matched: number;
  readonly changed: number;
}

/** Each a transaction, so that no lock is held for long. */
const PAGE = 1000;

/** An HTTP request ends after this time with what is done by then: a connection without a byte is cut after two minutes. */
export const REQUEST_SECONDS = 60;

/**
 * Does the same to every task that the filter and the action pick, whoever it belongs to; those that come after the count
 * are left alone. @param seconds after which it stops, with `changed` below `matched`
 * @throws DomainError `conflict` where there are not as many as expected
 */
export async function changeTasks(
  ctx: Context,
  change: BulkChange,
  seconds = Number.POSITIVE_INFINITY,
): Promise<Changed> {
  const { matched, newest } = await countChangeable(ctx, change);
  if (change.expect === undefined) return { matched, changed: 0 };
  requireExpected(matched, change.expect);
  return { matched, changed: await changePages(ctx, change, newest, seconds) };
}

/** @throws DomainError `conflict` that names the number that there is */
export function requireExpected(matched: number, expected: number): void {
  if (matched === expected) return;
  const message = `There are ${matched}, not ${expected}: send that number as \`expect\` if you mean all of them.`;
  throw new DomainError("conflict", message);
}

/** How many the filter and the action pick, and the number of the newest task of them. */
export async function countChangeable(
  ctx: Context,
  change: BulkChange,
): Promise<{ matched: number; newest: number }> {
  const [found] = await ctx.db
    .select({ matched: count(), newest: max(tasks.number) })
    .from(tasks)
    .where(changeable(change));
  return { matched: found?.matched ?? 0, newest: found?.newest ?? 0 };
}

/** Newest first, so that those of a chain are changed before what they wait for is. @returns how many were changed */
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
        .where(and(changeable(change), lte(tasks.number, upTo)))
        .orderBy(desc(tasks.number))
        .limit(PAGE)
        .for("update");
      if (found.length === 0) return null;
      const ids = found.map(({ id }) => id);
      const done = await changeThose(tx, change, inArray(tasks.id, ids));
      return { done, next: (found.at(-1)?.number ?? 0) - 1 };
    });
    if (!page) break;
    changed += page.done;
    upTo = page.next;
  } while (performance.now() < endsAt);
  return changed;
}

function changeable({ action, filter, force }: BulkChange): SQL | undefined {
  return and(matches(filter), inArray(tasks.status, statusesFor(action, force)));
}

function statusesFor(action: TaskAction, force = false): TaskStatus[] {
  const { cancel, retry, forceRetry } = transitions;
  if (action === "delete") return [...taskStatus.enumValues];
  if (action === "cancel") return [...cancel.from];
  return force ? [...retry.from, ...forceRetry.from] : [...retry.from];
}

async function changeThose(tx: Tx, change: BulkChange, where: SQL): Promise<number> {
  const { action, reason = "", force = false } = change;
  if (action === "delete") return deleteTasks(tx, where);
  if (action === "cancel") return (await cancelTasks(tx, where, reason)).length;
  return (await retryTasks(tx, where, { force })).length;
}
