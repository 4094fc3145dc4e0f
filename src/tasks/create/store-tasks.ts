import { setImmediate } from "node:timers/promises";
import { lockOwners } from "../../accounts/lock-owners.ts";
import type { Tx } from "../../context.ts";
import { type NewTask, prepareInsert } from "./insert-tasks.ts";

export interface CreatedTask {
  readonly id: string;
  readonly number: number;
  readonly jobId: string;
}

/** Tasks that one statement stores. */
const PART = 2000;

/**
 * Stores prepared tasks in their order, and enqueues their jobs. Prepares the next statement while PostgreSQL runs the last one.
 * @param owners the users of all tasks
 */
export async function storeTasks(
  tx: Tx,
  owners: readonly number[],
  tasks: Iterable<NewTask>,
): Promise<CreatedTask[]> {
  await lockOwners(tx, owners);
  const created: CreatedTask[] = [];
  const parts = partsOf(tasks).map((part) => ({ tasks: part, insert: prepareInsert(tx, part) }));
  let part = parts.next();
  while (!part.done) {
    // Both must have ended before an error ends the transaction: a later statement would run outside of it, and be committed.
    const [numbers, next] = await Promise.allSettled([part.value.insert(), nextOf(parts)]);
    if (numbers.status === "rejected") throw numbers.reason;
    if (next.status === "rejected") throw next.reason;
    for (const [index, { id, jobId }] of part.value.tasks.entries())
      created.push({ id, jobId, number: numbers.value[index] ?? 0 });
    part = next.value;
  }
  return created;
}

/** The driver sends a statement at the end of the turn in which it was called. */
async function nextOf<Part>(parts: Iterator<Part, undefined>) {
  await setImmediate();
  return parts.next();
}

function* partsOf(tasks: Iterable<NewTask>): Generator<NewTask[], void> {
  let part: NewTask[] = [];
  for (const task of tasks) {
    part.push(task);
    if (part.length < PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
