/** While somebody watches, a worker keeps the latest events of its jobs in its row. Otherwise this costs nothing. */
import { eq } from "drizzle-orm";
import type { OpenContext } from "../../open-context.ts";
import type { JobMoment } from "../../platform/queue/running-jobs.ts";
import { type JobEvent, workers } from "../../schema/workers.ts";

/** The events in the row: some 25 kB. Watchers learn of those that a faster worker has replaced by their numbers. */
const MAX_EVENTS = 100;
const WRITE_MS = 500;
/** The groups of other jobs are names and UUIDs. */
const USER_ID = /^\d+$/;

export class JobEventReporter implements Disposable {
  readonly #ctx: OpenContext;
  readonly #workerId: string;
  #events: JobEvent[] = [];
  #last = 0;
  #written = 0;
  #until = 0;
  #timer: NodeJS.Timeout | null = null;
  #isWriting = false;

  constructor(ctx: OpenContext, workerId: string) {
    this.#ctx = ctx;
    this.#workerId = workerId;
  }

  /** @param moment null: nobody has watched this worker */
  reportUntil(moment: Date | null): void {
    this.#until = moment?.getTime() ?? 0;
    if (this.#timer || !this.#isWatched) return;
    this.#ctx.queue.running.follow((jobMoment) => this.#add(jobMoment));
    this.#timer = setInterval(() => void this.#write(), WRITE_MS).unref();
  }

  [Symbol.dispose](): void {
    this.#ctx.queue.running.follow(null);
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#events = [];
  }

  get #isWatched(): boolean {
    return this.#ctx.now().getTime() < this.#until;
  }

  #add({ event, job, id, group, payload, seconds }: JobMoment): void {
    const { taskId = null, batchId = null } = payload as { taskId?: string; batchId?: string };
    const userId = group !== null && USER_ID.test(group) ? Number(group) : null;
    const at = this.#ctx.now().toISOString();
    const rounded = seconds && Math.round(seconds * 1000) / 1000;
    this.#events.push({ event, job, id, userId, taskId, batchId, seconds: rounded, at });
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
    this.#last++;
  }

  async #write(): Promise<void> {
    if (!this.#isWatched) return this[Symbol.dispose]();
    if (this.#isWriting || this.#written === this.#last) return;
    this.#isWriting = true;
    const jobEvents = { last: this.#last, events: [...this.#events] };
    try {
      await this.#ctx.db.update(workers).set({ jobEvents }).where(eq(workers.id, this.#workerId));
      this.#written = jobEvents.last;
    } catch (error) {
      // The next write contains the same events.
      this.#ctx.log.warn({ err: error }, "could not report the events of jobs");
    } finally {
      this.#isWriting = false;
    }
  }
}
