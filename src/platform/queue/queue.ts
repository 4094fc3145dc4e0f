/** The job queue, over pg-boss. Only this folder imports pg-boss. */
import { createHash } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import { PgBoss } from "pg-boss";
import type { Config } from "../../config/config.ts";
import { type ProgramRole, SLOTS_FOR_OTHERS } from "../../config/connections.ts";
import { QUEUE_SCHEMA } from "../../schema/columns.ts";
import type { Log } from "../log.ts";
import type { ChangeListener } from "../postgres/change-listener.ts";
import { connectionLimits, type Database, databaseOn } from "../postgres/database.ts";
import { noTracing, type Tracing } from "../tracing/tracing.ts";
import { type AddingJobs, addingJobs, addJobs, type NewJob } from "./add-jobs.ts";
import { makeDue, raiseRetryLimit, removeJobs } from "./change-jobs.ts";
import type { JobContract } from "./contract.ts";
import type { Handler } from "./delivery.ts";
import { Dispatcher } from "./dispatcher.ts";
import { asClient } from "./job-transactions.ts";
import { jobsInState } from "./queue-reads.ts";
import { RunningJobs } from "./running-jobs.ts";

export interface Queue {
  /** Adds jobs in the transaction of `db`: they exist if its other writes do. */
  add(db: Database, job: JobContract, jobs: readonly NewJob[]): Promise<void>;
  /** Returns the parts of a statement that adds jobs for rows which it stores (see `addingJobs`). */
  adding(job: JobContract, given: SQL): AddingJobs;
  /** Removes jobs in any state, in the transaction of `db`. */
  remove(db: Database, job: JobContract, ids: readonly string[]): Promise<void>;
  /**
   * Makes jobs due that wait for a later time, in the transaction of `db`, and wakes workers.
   * @returns their ids. A job that a worker has now can still be put back.
   */
  hasten(db: Database, job: JobContract, ids: readonly string[]): Promise<readonly string[]>;
  /** Returns the ids of jobs that wait, run or will be retried. All others are lost, done or given up. */
  live(db: Database, job: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Returns the ids of jobs that have used up their deliveries. */
  givenUp(db: Database, job: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>>;
}

/** The channel on which pg-boss publishes the names of the queues to which it adds jobs. */
const CHANNEL = `pgboss_${createHash("sha224").update(QUEUE_SCHEMA).digest("hex").slice(0, 24)}`;

/** Returns how many jobs of one kind a worker runs at a time, not counting the place for other users. */
export function concurrencyOf(
  { queue, concurrency }: Pick<JobContract, "queue" | "concurrency">,
  { workerQueues, workerConcurrency }: Pick<Config, "workerQueues" | "workerConcurrency">,
): number {
  return concurrency === "worker" ? (workerQueues?.get(queue) ?? workerConcurrency) : concurrency;
}

type Role = ProgramRole | "migrate";

export class PgBossQueue implements Queue {
  readonly #boss: PgBoss;
  readonly #config: Config;
  readonly #log: Log;
  readonly #listener: ChangeListener;
  readonly #tracing: Tracing;
  readonly #dispatchers: Dispatcher[] = [];
  /** The jobs that this process runs now. */
  readonly running = new RunningJobs();
  #paused: ReadonlySet<string> = new Set();
  #isStopping = false;
  #stopListening: () => void = () => {};

  /** @param listener wakes workers if jobs are added */
  constructor(
    config: Config,
    role: Role,
    poolMax: number,
    listener: ChangeListener,
    log: Log,
    tracing = noTracing,
  ) {
    this.#config = config;
    this.#listener = listener;
    this.#log = log;
    this.#tracing = tracing;
    this.#boss = new PgBoss({
      connectionString: config.databaseUrl,
      application_name: `rowmill-${role}`,
      schema: QUEUE_SCHEMA,
      // The migration creates the schema, if the role may.
      createSchema: false,
      max: poolMax,
      ...connectionLimits,
      backend: config.databaseBackend,
      migrate: role === "migrate",
      supervise: role === "work",
      schedule: role === "work",
      // With a heartbeat of 10 s, these values notice a killed worker after about 10.5 s (measured).
      monitorIntervalSeconds: 2,
      superviseIntervalSeconds: 2,
      cronMonitorIntervalSeconds: 20,
      cronWorkerIntervalSeconds: 2,
    });
    // Without this listener a lost connection would end the process.
    this.#boss.on("error", (error) => {
      // pg-boss still uses its connections for a moment after it has closed them.
      if (this.#isStopping) log.debug({ err: error }, "queue error while stopping");
      else log.warn({ err: error }, "queue error; the queue continues");
    });
    this.#boss.on("warning", (warning) => log.warn({ data: warning.data }, warning.message));
  }

  /** @throws if the queue's schema is missing or older than this version */
  async start(): Promise<void> {
    await this.#boss.start();
  }

  /** Takes no more jobs, waits up to `timeoutMs` for running jobs, and returns unfinished ones to the queue. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    this.#stopListening();
    await Promise.all(this.#dispatchers.map((dispatcher) => dispatcher.stop(timeoutMs)));
    await this.#boss.stop({ graceful: true, timeout: timeoutMs });
  }

  /** Creates pg-boss's queue for every contract, or updates its options. */
  async declare(contracts: readonly JobContract[]): Promise<void> {
    for (const { name, options } of contracts) {
      await this.#boss.createQueue(name, options);
      await this.#boss.updateQueue(name, options);
      await raiseRetryLimit(this.#db, name, options.retryLimit);
    }
  }

  /** The queue's own connections. */
  get #db(): Database {
    return databaseOn(asClient(this.#boss.getDb()));
  }

  /** Starts to take jobs of one contract, unless its queue is paused, and registers its schedule. */
  async work(contract: JobContract, handler: Handler): Promise<void> {
    const { name, schedule, isShared = false } = contract;
    if (schedule) await this.#boss.schedule(name, schedule, {}, { tz: "UTC" });
    if (this.#dispatchers.length === 0) {
      this.#stopListening = this.#listener.listen(CHANNEL, (queue) => {
        for (const one of this.#dispatchers) if (queue === null || queue === one.contract.name) one.look();
      });
    }
    const concurrency = concurrencyOf(contract, this.#config);
    const reserved = isShared ? SLOTS_FOR_OTHERS : 0;
    const perUser = Math.min(concurrency, contract.perGroup ?? this.#config.workerUserConcurrency);
    const dispatcher = new Dispatcher({
      boss: this.#boss,
      db: this.#db,
      log: this.#log,
      tracing: this.#tracing,
      contract,
      handler,
      running: this.running,
      limits: { places: concurrency + reserved, reserved, perUser },
      isPaused: this.#isPaused(contract),
      channel: CHANNEL,
    });
    this.#dispatchers.push(dispatcher);
    this.#log.debug({ job: name, queue: contract.queue, concurrency }, "taking jobs");
  }

  /** Pauses these queues and resumes all others. Running jobs finish. Upkeep is never paused. */
  pause(queues: ReadonlySet<string>): void {
    this.#paused = queues;
    for (const dispatcher of this.#dispatchers) dispatcher.pause(this.#isPaused(dispatcher.contract));
  }

  #isPaused({ queue, isUpkeep = false }: JobContract): boolean {
    return !isUpkeep && this.#paused.has(queue);
  }

  async add(db: Database, { name }: JobContract, jobs: readonly NewJob[]): Promise<void> {
    const traceparent = this.#tracing.traceparent();
    const traced =
      traceparent === null ? jobs : jobs.map((job) => ({ ...job, payload: { ...job.payload, traceparent } }));
    await addJobs(db, { name, channel: CHANNEL }, traced);
  }

  adding({ name }: JobContract, given: SQL): AddingJobs {
    const traceparent = this.#tracing.traceparent();
    const traced = sql`
      SELECT id, data || jsonb_build_object('traceparent', ${traceparent}::text) AS data, priority, group_id, due_at, place
      FROM (${given}) AS untraced`;
    return addingJobs({ name, channel: CHANNEL }, traceparent === null ? given : traced);
  }

  async remove(db: Database, { name }: JobContract, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await removeJobs(db, name, ids);
  }

  async hasten(db: Database, { name }: JobContract, ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0) return [];
    return makeDue(db, name, ids, CHANNEL);
  }

  live(db: Database, { name }: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return jobsInState(db, name, ids, ["created", "retry", "active"]);
  }

  givenUp(db: Database, { name }: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return jobsInState(db, name, ids, ["failed"]);
  }
}
