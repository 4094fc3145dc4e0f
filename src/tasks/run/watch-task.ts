import { inArray } from "drizzle-orm";
import { type Context, sharedContext } from "../../context.ts";
import { onePer } from "../../platform/one-per.ts";
import { withoutOverlap } from "../../platform/process/without-overlap.ts";
import { tasks } from "../../schema/tasks.ts";
import type { Task } from "../transitions.ts";

/** A cancelled task stops within this time plus a query. */
const POLL_MS = 500;

class TaskStopped extends Error {
  override name = "TaskStopped";
}

interface Watched extends Pick<Task, "id" | "attempt"> {
  readonly stopped: AbortController;
}

interface Watch extends Disposable {
  readonly signal: AbortSignal;
}

const watchOf = onePer<Context["pool"], TaskWatch>();

/**
 * Aborts if the running task is cancelled, deleted or started by another worker. This only saves work: `endTask`
 * checks again.
 */
export function watchTask(ctx: Context, task: Task): Watch {
  return watchOf(ctx.pool, () => new TaskWatch(sharedContext(ctx))).add(task);
}

/** Reads the states of all running tasks of this process in one statement, twice a second. */
class TaskWatch {
  readonly #ctx: Pick<Context, "db" | "log">;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ db, log }: Context) {
    this.#ctx = { db, log };
  }

  add({ id, attempt }: Task): Watch {
    const watched = { id, attempt, stopped: new AbortController() };
    this.#watched.add(watched);
    this.#timer ??= setInterval(
      withoutOverlap(() => this.#look()),
      POLL_MS,
    );
    return {
      signal: watched.stopped.signal,
      [Symbol.dispose]: () => {
        this.#watched.delete(watched);
      },
    };
  }

  async #look(): Promise<void> {
    const watched = [...this.#watched];
    if (watched.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    try {
      const ids = watched.map(({ id }) => id);
      const found = await this.#ctx.db
        .select({ id: tasks.id, status: tasks.status, attempt: tasks.attempt })
        .from(tasks)
        .where(inArray(tasks.id, ids));
      const byId = new Map(found.map((task) => [task.id, task]));
      for (const { id, attempt, stopped } of watched) {
        const reason = whyStopped(byId.get(id), attempt);
        if (reason) stopped.abort(new TaskStopped(reason));
      }
    } catch (error) {
      this.#ctx.log.warn({ err: error }, "could not read the statuses of running tasks");
    }
  }
}

function whyStopped(task: Pick<Task, "status" | "attempt"> | undefined, attempt: number): string | null {
  if (!task) return "The task was deleted.";
  if (task.status !== "processing") return `The task is ${task.status}.`;
  return task.attempt === attempt ? null : "Another worker has started the task.";
}
