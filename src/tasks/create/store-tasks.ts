import { setImmediate } from "node:timers/promises";
import { lockOwners } from "../../accounts/lock-owners.ts";
import type { Tx } from "../../context.ts";
import { insertTasks, type NewTask } from "./insert-tasks.ts";

export interface CreatedTask {
  readonly id: string;
  readonly number: number;
  readonly jobId: string;
}

/** Tasks that one statement stores. */
const PART = 2000;

/**
 * Stores prepared tasks in their order, and enqueues their jobs. Prepares the next tasks while PostgreSQL stores the last ones.
 * @param owners the users of all tasks
 */
export async function storeTasks(
  tx: Tx,
  owners: readonly number[],
  tasks: Iterable<NewTask>,
): Promise<CreatedTask[]> {
  await lockOwners(tx, owners);
  const created: CreatedTask[] = [];
  const parts = partsOf(tasks);
  let part = parts.next();
  while (!part.done) {
    // Both must have ended before an error ends the transaction: a later statement would run outside of it, and be committed.
    const [stored, next] = await Promise.allSettled([storePart(tx, part.value), nextOf(parts)]);
    if (stored.status === "rejected") throw stored.reason;
    if (next.status === "rejected") throw next.reason;
    for (const task of stored.value) created.push(task);
    part = next.value;
  }
  return created;
}

/** The driver sends a statement at the end of the turn in which it was called. */
async function nextOf(parts: Iterator<NewTask[], void>) {
  await setImmediate();
  return parts.next();
}

async function storePart(tx: Tx, tasks: readonly NewTask[]): Promise<CreatedTask[]> {
  const numbers = await insertTasks(tx, tasks);
  return tasks.map(({ id, jobId }, index) => ({ id, jobId, number: numbers[index] ?? 0 }));
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
