/** Compares the list of workers with that of the read before, asks them to report the events of their jobs, and reads these. */
import { and, desc, getTableColumns, inArray, sql } from "drizzle-orm";
import { type Context, inTransaction, publishChange } from "../context.ts";
import { isAlive } from "../queues/workers/queries.ts";
import { WORKER_CHANNEL } from "../queues/workers/shut-down-worker.ts";
import { type JobEvent, workers } from "../schema/workers.ts";
import type { EventSource, LifeEvent, Read } from "./life-event.ts";

/** Each has up to 25 kB of events. */
const MAX_WORKERS = 200;
/** Workers report for this long after the last watcher has gone. */
const WATCH_SECONDS = 20;
const RENEW_SECONDS = 10;

const { id, host, pid, version, startedAt, stoppingAt, jobEvents } = getTableColumns(workers);
const columns = { id, host, pid, version, startedAt, stoppingAt, jobEvents, isAlive };
const mustRenew = sql<boolean>`
  coalesce(${workers.watchedUntil} < now() + make_interval(secs => ${RENEW_SECONDS}), true) AND ${isAlive}`;

type Worker = Pick<
  typeof workers.$inferSelect,
  "id" | "host" | "pid" | "version" | "startedAt" | "stoppingAt" | "jobEvents"
> & { readonly isAlive: boolean; readonly mustRenew: boolean };

export class WorkerEvents implements EventSource {
  readonly kind = "job";
  readonly #ctx: Context;
  readonly #reads: Context;
  #known = new Map<string, Worker>();

  constructor(ctx: Context, reads: Context) {
    this.#ctx = ctx;
    this.#reads = reads;
  }

  async start(): Promise<void> {
    const listed = await this.#list();
    this.#known = new Map(listed.map((worker) => [worker.id, worker]));
    await this.#renew(listed);
  }

  async read(): Promise<Read> {
    const listed = await this.#list();
    await this.#renew(listed);
    const known = this.#known;
    this.#known = new Map(listed.map((worker) => [worker.id, worker]));
    const oldest = listed.length < MAX_WORKERS ? "" : (listed.at(-1)?.id ?? "");
    const gone = known
      .values()
      .filter((worker) => worker.isAlive && worker.id > oldest && !this.#known.has(worker.id));
    const jobs = listed.map((worker) => newJobEvents(worker, known.get(worker.id)));
    return {
      events: [
        ...listed.flatMap((worker) => this.#changesOf(worker, known.get(worker.id))),
        ...jobs.flatMap(({ events }) => events),
        ...gone.map((worker) => eventOf(worker, "stopped", this.#ctx.now())),
      ],
      unread: jobs.reduce((sum, { unread }) => sum + unread, 0),
    };
  }

  close(): void {}

  async #list(): Promise<Worker[]> {
    return this.#reads.db
      .select({ ...columns, mustRenew })
      .from(workers)
      .orderBy(desc(workers.id))
      .limit(MAX_WORKERS);
  }

  /** In the order of the ids, so that two watching processes cannot wait for each other. */
  async #renew(listed: readonly Worker[]): Promise<void> {
    const ids = listed.filter((worker) => worker.mustRenew).map((worker) => worker.id);
    if (ids.length === 0) return;
    await inTransaction(this.#ctx, async (tx) => {
      const due = and(inArray(workers.id, ids), mustRenew);
      const locked = await tx.db
        .select({ id: workers.id })
        .from(workers)
        .where(due)
        .orderBy(workers.id)
        .for("update", { skipLocked: true });
      const renewed = locked.map((worker) => worker.id);
      const watchedUntil = sql`now() + make_interval(secs => ${WATCH_SECONDS})`;
      await tx.db.update(workers).set({ watchedUntil }).where(inArray(workers.id, renewed));
      await publishChange(tx, WORKER_CHANNEL, renewed);
    });
  }

  #changesOf(worker: Worker, known: Worker | undefined): LifeEvent[] {
    const events: LifeEvent[] = [];
    if (!known) events.push(eventOf(worker, "started", worker.startedAt));
    if (worker.stoppingAt && !known?.stoppingAt) events.push(eventOf(worker, "stopping", worker.stoppingAt));
    if (known && known.isAlive !== worker.isAlive)
      events.push(eventOf(worker, worker.isAlive ? "returned" : "lost", this.#ctx.now()));
    return events;
  }
}

function eventOf({ id, host, pid, version }: Worker, event: string, at: Date): LifeEvent {
  return {
    kind: "worker",
    event,
    id,
    type: null,
    userId: null,
    worker: id,
    at,
    details: { host, pid, version },
  };
}

/** The events are numbered: a gap shows how many the worker has replaced before they were read. */
function newJobEvents({ id, jobEvents }: Worker, known: Worker | undefined): Read {
  const { last, events } = jobEvents ?? { last: 0, events: [] };
  const fresh = Math.max(0, last - (known?.jobEvents?.last ?? 0));
  const read = events.slice(Math.max(0, events.length - fresh));
  return { events: read.map((event) => jobEventOf(id, event)), unread: fresh - read.length };
}

function jobEventOf(worker: string, jobEvent: JobEvent): LifeEvent {
  const { event, job, id, userId, taskId, batchId, seconds, at } = jobEvent;
  return {
    kind: "job",
    event,
    id,
    type: job,
    userId,
    worker,
    at: new Date(at),
    details: {
      ...(taskId === null ? {} : { task_id: taskId }),
      ...(batchId === null ? {} : { batch_id: batchId }),
      ...(seconds === null ? {} : { seconds }),
    },
  };
}
