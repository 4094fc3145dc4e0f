/** Takes the jobs of one kind while places are free, and shares the places among users. */
import { setTimeout as sleep } from "node:timers/promises";
import type { PgBoss } from "pg-boss";
import { Grouped } from "../grouped.ts";
import type { Log } from "../log.ts";
import { type Database, isTransient } from "../postgres/database.ts";
import type { Tracing } from "../tracing/tracing.ts";
import { type Completion, completeJobs, type PutBack, putBackJobs, returnJobs, touchJobs } from "./claims.ts";
import type { JobContract } from "./contract.ts";
import { claimOf, DeliveryStopped, type Handler, isLost, RunningDelivery } from "./delivery.ts";
import { fetchJobs, type TakenJob } from "./fetch-jobs.ts";
import { Durations, JobSet, MAX_SET } from "./job-set.ts";
import type { Later } from "./later.ts";
import type { RunningJobs } from "./running-jobs.ts";
import { type Search, Shares } from "./shares.ts";

/** NOTIFY wakes the dispatcher at once. Polling finds jobs whose delay has passed and, without NOTIFY, all jobs. */
const POLL_MS = 1000;
/** How often running jobs are marked as alive. */
const TOUCH_MS = 1000;
const MAX_BACKOFF_MS = 5000;
/** Time for running jobs to end after the stop of the worker has aborted them. */
const ABORT_MS = 3000;
/** The number of jobs of which the process remembers that it has survived them. */
const MAX_SURVIVED = 1000;

export interface DispatcherOptions {
  readonly boss: PgBoss;
  readonly db: Database;
  readonly log: Log;
  readonly tracing: Tracing;
  readonly contract: JobContract;
  readonly handler: Handler;
  readonly running: RunningJobs;
  readonly limits: ConstructorParameters<typeof Shares>[0];
  readonly isPaused: boolean;
  /** On which the names of queues with new jobs are published. */
  readonly channel: string;
}

export class Dispatcher {
  readonly contract: JobContract;
  readonly #options: DispatcherOptions;
  readonly #shares: Shares;
  readonly #deliveries = new Map<RunningDelivery, Promise<void>>();
  readonly #survived = new Set<string>();
  readonly #durations = new Durations();
  readonly #completions: Grouped<Completion, boolean>;
  readonly #putBacks: Grouped<PutBack, boolean>;
  /** The number of jobs that the next fetch takes. */
  #next = 1;
  readonly #rests = new Set<NodeJS.Timeout>();
  readonly #stopping = new AbortController();
  readonly #timers: NodeJS.Timeout[];
  readonly #taking: Promise<void>;
  #isPaused: boolean;
  #isTouching = false;
  #wake: () => void = () => {};
  #mustLook = false;

  constructor(options: DispatcherOptions) {
    this.contract = options.contract;
    this.#options = options;
    this.#shares = new Shares(options.limits);
    this.#isPaused = options.isPaused;
    const complete = (jobs: readonly Completion[]) => completeJobs(options.db, this.contract.name, jobs);
    this.#completions = new Grouped(complete, isTransient, { maxItems: 2 * MAX_SET });
    const putBack = (jobs: readonly PutBack[]) => putBackJobs(options.db, this.contract.name, jobs);
    this.#putBacks = new Grouped(putBack, isTransient, { maxItems: 2 * MAX_SET });
    this.#timers = [setInterval(() => this.look(), POLL_MS), setInterval(() => void this.#touch(), TOUCH_MS)];
    this.#taking = this.#takeJobs();
  }

  /** Looks for jobs: new ones may have been added. */
  look(): void {
    this.#shares.mayHaveNew();
    this.#resume();
  }

  /** A paused dispatcher takes no job. Running jobs finish. */
  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    if (!isPaused) this.look();
  }

  /** Takes no more jobs, waits for running jobs until the deadline, and then aborts them. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    this.#resume();
    await this.#taking;
    for (const rest of this.#rests) clearTimeout(rest);
    await this.#untilIdle(deadlineMs);
    for (const delivery of this.#deliveries.keys())
      delivery.abort(new DeliveryStopped("The worker has stopped."));
    await this.#untilIdle(ABORT_MS);
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #untilIdle(timeoutMs: number): Promise<void> {
    if (this.#deliveries.size === 0) return;
    const waiting = new AbortController();
    await Promise.race([
      Promise.all(this.#deliveries.values()),
      sleep(timeoutMs, undefined, { signal: waiting.signal, ref: false }).catch(() => {}),
    ]);
    waiting.abort();
  }

  #resume(): void {
    this.#mustLook = true;
    this.#wake();
  }

  async #takeJobs(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      this.#mustLook = false;
      try {
        const jobs = this.#isPaused ? [] : await this.#fetch();
        failures = 0;
        if (jobs.length > 0) await this.#start(jobs);
        else if (!this.#mustLook) await this.#untilWoken();
      } catch (error) {
        failures++;
        this.#options.log.warn({ err: error, job: this.contract.name }, "could not fetch a job");
        const delayMs = Math.min(MAX_BACKOFF_MS, 500 * 2 ** failures);
        await sleep(delayMs, undefined, { signal, ref: false }).catch(() => {}); // Stopped meanwhile.
      }
    }
  }

  async #untilWoken(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }

  async #fetch(): Promise<TakenJob[]> {
    for (const search of this.#shares.searches(performance.now())) {
      const jobs = await this.#find(search);
      if (jobs.length > 0) return jobs;
    }
    return [];
  }

  async #find(search: Search): Promise<TakenJob[]> {
    const startedAt = performance.now();
    const taking = { ignoredGroups: search.ignored, count: this.#next };
    const jobs = await fetchJobs(this.#options.db, this.contract.name, taking);
    const now = performance.now();
    if (jobs.length === 0) this.#shares.foundNothing(search, now, now - startedAt);
    return jobs;
  }

  /** Starts the first jobs that make a set, in their order, and returns the others to the queue. */
  async #start(jobs: readonly TakenJob[]): Promise<void> {
    const kinds = jobs.map((job) => this.#kindOf(job));
    const count = this.#durations.countTogether(kinds);
    const others = jobs.slice(count);
    this.#next = others.length > 0 ? 1 : this.#durations.sizeOf(kinds.at(-1) ?? null);
    this.#startSet(jobs.slice(0, count), kinds);
    if (others.length > 0) await this.#giveBack(others);
  }

  #kindOf(job: TakenJob): string | null {
    const { handler } = this.#options;
    const mustBeAlone = isLost(this.contract, job, this.#survived) || handler.mustRunAlone(job.data);
    return mustBeAlone || this.contract.transactional ? null : (handler.kindOf?.(job.data) ?? null);
  }

  #startSet(jobs: readonly TakenJob[], kinds: readonly (string | null)[]): void {
    const { boss, db, log, tracing, handler, running } = this.#options;
    const [completions, putBacks] = [this.#completions, this.#putBacks];
    const means = { boss, db, log, tracing, running, survived: this.#survived, completions, putBacks };
    const set = new JobSet(jobs.length, this.#durations);
    const deliveries = jobs.map(
      (job, index) => new RunningDelivery(this.contract, { job, kind: kinds[index] ?? null, set }, means),
    );
    const open = deliveries.map(({ group }) => group);
    this.#shares.start(...open);
    for (const delivery of deliveries) {
      const end = (later: Later | null) => {
        open.splice(open.indexOf(delivery.group), 1);
        this.#end(delivery, later, open);
      };
      this.#deliveries.set(delivery, delivery.run(handler).then(end));
    }
  }

  /**
   * @param later null unless the job was put back
   * @param open the users of the jobs of the set that have not ended yet
   */
  #end(delivery: RunningDelivery, later: Later | null, open: readonly (string | null)[]): void {
    const { group } = delivery;
    this.#deliveries.delete(delivery);
    const hasLeft = !open.includes(group);
    if (open.length === 0) this.#shares.end(group);
    // The user must not wait for jobs of others, for example for the one that has sent the jobs of the user back.
    else if (hasLeft) this.#shares.leave(group);
    const [oldest] = this.#survived;
    if (oldest !== undefined && this.#survived.size > MAX_SURVIVED) this.#survived.delete(oldest);
    if (later === null) {
      if (hasLeft) this.#resume();
    } else if (later.afterSeconds === 0 || group === null || !later.isCounted) this.look();
    else this.#rest(group, later.afterSeconds);
  }

  /** If this fails, the jobs return to the queue once their signs of life are missing. */
  async #giveBack(jobs: readonly TakenJob[]): Promise<void> {
    const { db, log, channel } = this.#options;
    const claims = jobs.map((job) => claimOf(this.contract, job));
    try {
      await returnJobs(db, this.contract.name, claims, channel);
    } catch (error) {
      for (const { id } of claims) this.#survived.add(id);
      log.warn({ err: error, job: this.contract.name }, "could not return jobs to the queue");
    }
  }

  /** Counts a job that waits for its delay for its user, and looks for it when the delay has passed. */
  #rest(group: string, delaySeconds: number): void {
    this.#shares.rest(group);
    const timer = setTimeout(() => {
      this.#rests.delete(timer);
      this.#shares.endRest(group);
      this.look();
    }, delaySeconds * 1000).unref();
    this.#rests.add(timer);
    this.#resume();
  }

  /** Marks running jobs as alive, and aborts those that another worker may take. */
  async #touch(): Promise<void> {
    if (this.#isTouching) return;
    const held = [...this.#deliveries.keys()].filter(({ isAborted }) => !isAborted);
    if (held.length === 0) return;
    this.#isTouching = true;
    const { db, log } = this.#options;
    const claims = held.map(({ claim }) => claim);
    try {
      const ids = await touchJobs(db, this.contract.name, claims);
      for (const delivery of held) {
        if (!ids.has(delivery.claim.id) && this.#deliveries.has(delivery))
          delivery.abort(new DeliveryStopped("Another worker may take the job."));
      }
    } catch (error) {
      // This says nothing about the claims, so nothing is aborted.
      log.warn({ err: error, job: this.contract.name }, "could not mark running jobs as alive");
    } finally {
      this.#isTouching = false;
    }
  }
}
