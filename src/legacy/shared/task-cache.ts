import { LRUCache } from "lru-cache";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { hasEnded } from "../../tasks/state.ts";
import { TASK_CHANNEL } from "../../tasks/transitions.ts";
import { getTaskDetail, type TaskDetail, type TaskKey } from "./task-detail.ts";

const ACTIVE_TTL_MS = 5 * 60_000;
const ENDED_TTL_MS = 60 * 60_000;
const MAX_TASKS = 10_000;
/** Of their JSON, which is about what they take. */
const MAX_CHARACTERS = 32 * 2 ** 20;

/** What a read must not keep, since it changed while the read was under way. */
interface Read {
  readonly changed: Set<string>;
  isVoid: boolean;
}

/**
 * Details of tasks, in memory: dropped when a task changes, in this process before whoever changed it is answered, in
 * others as soon as they hear of it. While this process can't hear of changes, nothing is kept.
 */
export class TaskCache {
  readonly #ctx: Context;
  readonly #details: LRUCache<string, TaskDetail>;
  /** A task's number never becomes another's, so these need not be dropped. */
  readonly #ids = new LRUCache<number, string>({ max: MAX_TASKS });
  readonly #reads = new Set<Read>();
  #isSubscribed = false;

  constructor(ctx: Context, clock: { now(): number } = performance) {
    this.#ctx = ctx;
    this.#details = new LRUCache({
      max: MAX_TASKS,
      maxSize: MAX_CHARACTERS,
      sizeCalculation: (detail) => JSON.stringify(detail).length,
      ttl: ACTIVE_TTL_MS,
      perf: clock,
    });
  }

  /** @throws DomainError `not_found` also where it is somebody else's */
  async get(ownerId: number, key: TaskKey): Promise<TaskDetail & { isCached: boolean }> {
    if (!this.#isHearing) this.#dropAll();
    const kept = this.#find(key);
    if (!kept) return { ...(await this.#read(ownerId, key)), isCached: false };
    if (kept.owner.id !== ownerId) throw notFound("task");
    return { ...kept, isCached: true };
  }

  get #isHearing(): boolean {
    if (!this.#isSubscribed) this.#ctx.listener.listen(TASK_CHANNEL, (taskId) => this.#hear(taskId));
    this.#isSubscribed = true;
    return this.#ctx.listener.isListeningTo(TASK_CHANNEL);
  }

  #find(key: TaskKey): TaskDetail | undefined {
    const id = typeof key === "number" ? this.#ids.get(key) : key;
    return id === undefined ? undefined : this.#details.get(id);
  }

  async #read(ownerId: number, key: TaskKey): Promise<TaskDetail> {
    const read: Read = { changed: new Set(), isVoid: !this.#isHearing };
    this.#reads.add(read);
    try {
      const detail = await getTaskDetail(this.#ctx, ownerId, key);
      const { id, number, status } = detail.task;
      if (!read.isVoid && !read.changed.has(id) && this.#isHearing) {
        this.#ids.set(number, id);
        this.#details.set(id, detail, { ttl: hasEnded(status) ? ENDED_TTL_MS : ACTIVE_TTL_MS });
      }
      return detail;
    } finally {
      this.#reads.delete(read);
    }
  }

  #hear(taskId: string | null): void {
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
