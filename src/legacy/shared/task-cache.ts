import { LRUCache } from "lru-cache";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { hasEnded } from "../../tasks/state.ts";
import { TASK_CHANNEL } from "../../tasks/transitions.ts";
import { getTaskDetail, type TaskDetail, type TaskKey } from "./task-detail.ts";

const ACTIVE_TTL_MS = 5 * 60_000;
const ENDED_TTL_MS = 60 * 60_000;
const MAX_TASKS = 10_000;
/** The limit for the JSON of all details, which is about as long as their memory. */
const MAX_CHARACTERS = 8 * 2 ** 20;
/** A longer detail is not cached, so that it does not displace many short ones. */
const MAX_DETAIL_CHARACTERS = 65_536;

/** A read in progress, and the tasks that have changed since it started. Their details must not be cached. */
interface Read {
  readonly changed: Set<string>;
  isVoid: boolean;
}

/**
 * Caches details of tasks in memory until the task changes. This process drops them before the request that changes the
 * task is answered, other processes as soon as they receive the change. Nothing is cached while no changes are received.
 */
export class TaskCache {
  readonly #ctx: Context;
  readonly #details: LRUCache<string, TaskDetail>;
  /** The number of a task never changes, so these ids stay valid. */
  readonly #ids = new LRUCache<number, string>({ max: MAX_TASKS });
  readonly #reads = new Set<Read>();
  #isSubscribed = false;

  constructor(ctx: Context, clock: { now(): number } = performance) {
    this.#ctx = ctx;
    this.#details = new LRUCache({
      max: MAX_TASKS,
      maxSize: MAX_CHARACTERS,
      maxEntrySize: MAX_DETAIL_CHARACTERS,
      sizeCalculation: (detail) => JSON.stringify(detail).length,
      ttl: ACTIVE_TTL_MS,
      perf: clock,
    });
  }

  /** @throws DomainError `not_found`, also if the task belongs to another user */
  async get(ownerId: number, key: TaskKey): Promise<TaskDetail & { isCached: boolean }> {
    if (!this.#isListening) this.#dropAll();
    const kept = this.#find(key);
    if (!kept) return { ...(await this.#read(ownerId, key)), isCached: false };
    if (kept.owner.id !== ownerId) throw notFound("task");
    return { ...kept, isCached: true };
  }

  get #isListening(): boolean {
    if (!this.#isSubscribed) this.#ctx.listener.listen(TASK_CHANNEL, (taskId) => this.#onChange(taskId));
    this.#isSubscribed = true;
    return this.#ctx.listener.isListeningTo(TASK_CHANNEL);
  }

  #find(key: TaskKey): TaskDetail | undefined {
    const id = typeof key === "number" ? this.#ids.get(key) : key;
    return id === undefined ? undefined : this.#details.get(id);
  }

  async #read(ownerId: number, key: TaskKey): Promise<TaskDetail> {
    const read: Read = { changed: new Set(), isVoid: !this.#isListening };
    this.#reads.add(read);
    try {
      const detail = await getTaskDetail(this.#ctx, ownerId, key);
      const { id, number, status } = detail.task;
      if (!read.isVoid && !read.changed.has(id) && this.#isListening) {
        this.#ids.set(number, id);
        this.#details.set(id, detail, { ttl: hasEnded(status) ? ENDED_TTL_MS : ACTIVE_TTL_MS });
      }
      return detail;
    } finally {
      this.#reads.delete(read);
    }
  }

  #onChange(taskId: string | null): void {
    if (taskId === null) this.#dropAll();
    else this.#drop(taskId);
  }

  #drop(taskId: string): void {
    this.#details.delete(taskId);
    for (const { changed } of this.#reads) changed.add(taskId);
  }

  #dropAll(): void {
    this.#details.clear();
    for (const read of this.#reads) read.isVoid = true;
  }
}
