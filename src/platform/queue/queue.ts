/** The job queue, over pg-boss. Only this folder imports pg-boss. */
import { sql } from "drizzle-orm";
import { type Db, fromDrizzle, type Job, PgBoss, type QueueOptions, type WorkOptions } from "pg-boss";
import type { Config } from "../../config/config.ts";
import { type ProgramRole, SLOTS_FOR_OTHERS } from "../../config/connections.ts";
import { QUEUE_SCHEMA } from "../../schema/columns.ts";
import { describeError, type Log } from "../log.ts";
import { connectionLimits, type Database } from "../postgres/database.ts";
import { JobSlots, type SlotControl } from "./job-slots.ts";
import { type JobTransaction, trackTransactions } from "./job-transactions.ts";
import { jobsInState } from "./queue-reads.ts";
import { RunningJobs } from "./running-jobs.ts";

/** One kind of job, as the queue runs it. jobs.ts lists all kinds. */
export interface JobContract {
  readonly name: string;
  /** The queue that workers choose in WORKER_QUEUES. */
  readonly queue: string;
  readonly options: QueueOptions & { notify?: boolean };
  /** Jobs that a worker runs at the same time; `worker`: the number that WORKER_QUEUES or WORKER_CONCURRENCY sets. */
  readonly concurrency: "worker" | 1;
  /** Whether the handler's writes and the completion of the job commit together. */
  readonly transactional: boolean;
  /** Whether `concurrency` limits the jobs of one group, and one more slot serves other groups. */
  readonly leavesSlotForOthers?: boolean;
  /** Cron expression in UTC of a job that also runs on a schedule. */
  readonly schedule?: (config: Config) => string;
}

export interface NewJob {
  readonly id: string;
  readonly payload: object;
  readonly startAfterSeconds?: number;
  /** Jobs with a higher priority are taken first. */
  readonly priority?: number;
  /** The owner, for contracts that leave a slot for others. */
  readonly group?: string;
}

/** One delivery of a job to a handler. */
export interface Delivery {
  readonly id: string;
  readonly payload: unknown;
  /** 1 at the first delivery. */
  readonly attempt: number;
  /** Aborts if another worker may take the job, if the job runs out of time, or if the process stops. */
  readonly signal: AbortSignal;
}

/** Returns the result that pg-boss stores with the job. `tx` is null unless the contract is transactional. */
export type DeliveryHandler = (delivery: Delivery, tx: JobTransaction | null) => Promise<object | undefined>;

export interface Queue {
  /** Adds jobs in the transaction of `db`: they exist if its other writes do. */
  add(db: Database, job: JobContract, jobs: readonly NewJob[]): Promise<void>;
  /** Removes jobs in any state, in the transaction of `db`. */
  remove(db: Database, job: JobContract, ids: readonly string[]): Promise<void>;
  /** Returns the ids of jobs that wait, run or will be retried. All others are lost, done or given up. */
  live(db: Database, job: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Returns the ids of jobs that have used up their deliveries. */
  givenUp(db: Database, job: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Returns when a cron expression is due next, or null if never. */
  nextRun(cron: string): Date | null;
}

/** No job has a priority this high. */
const TAKES_NO_JOBS = { minPriority: 1_000_000, pollingIntervalSeconds: 60 };

/** NOTIFY wakes workers at once. Polling finds jobs whose backoff has passed and, without NOTIFY, all jobs. */
const POLLING_SECONDS = 1;

/** Returns how many jobs of one kind (and one group, if the contract leaves a slot for others) a worker runs at a time. */
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
  readonly #taken: { readonly contract: JobContract; readonly slots: JobSlots }[] = [];
  /** The jobs that this process runs now. */
  readonly running = new RunningJobs();
  #paused: ReadonlySet<string> = new Set();
  #isStopping = false;
  readonly #transactionOf: (db: Db) => JobTransaction;

  /** @param canListen whether NOTIFY can wake workers; if not, they only poll */
  constructor(
    config: Config,
    databaseUrl: string,
    role: Role,
    poolMax: number,
    canListen: boolean,
    log: Log,
  ) {
    this.#config = config;
    this.#log = log;
    this.#boss = new PgBoss({
      connectionString: databaseUrl,
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
      useListenNotify: role === "work" && canListen,
      // With a heartbeat of 10 s, these values notice a killed worker after about 10.5 s (measured).
      monitorIntervalSeconds: 2,
      superviseIntervalSeconds: 2,
      cronMonitorIntervalSeconds: 20,
      cronWorkerIntervalSeconds: 2,
    });
    this.#transactionOf = trackTransactions(this.#boss.getDb());
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
    for (const { slots } of this.#taken) slots.stop();
    await this.#boss.stop({ graceful: true, timeout: timeoutMs });
  }

  /** Creates pg-boss's queue for every contract, or updates its options. */
  async declare(contracts: readonly JobContract[]): Promise<void> {
    for (const { name, options } of contracts) {
      const declared = this.#supported(options);
      await this.#boss.createQueue(name, declared);
      await this.#boss.updateQueue(name, declared);
    }
  }

  /** Starts to take jobs of one contract, unless its queue is paused, and registers its schedule. */
  async work(contract: JobContract, handler: DeliveryHandler): Promise<void> {
    const concurrency = concurrencyOf(contract, this.#config);
    const { name, schedule } = contract;
    if (schedule) await this.#boss.schedule(name, schedule(this.#config), {}, { tz: "UTC" });
    const options: WorkOptions = {
      pollingIntervalSeconds: POLLING_SECONDS,
      notifyPollingIntervalSeconds: POLLING_SECONDS,
      ...(contract.leavesSlotForOthers ? { localGroupConcurrency: concurrency } : {}),
      ...(this.#supported(contract.options).heartbeatSeconds ? { heartbeatRefreshSeconds: 1 } : {}),
    };
    const count = contract.leavesSlotForOthers ? concurrency + SLOTS_FOR_OTHERS : concurrency;
    const slots = new JobSlots(count, this.#slotControl(contract, options, count, handler), (error) =>
      this.#log.error({ err: error, job: name }, "a slot could not be opened or closed"),
    );
    this.#taken.push({ contract, slots });
    await slots.start(!this.#isPaused(contract));
    this.#log.debug({ job: contract.name, queue: contract.queue, concurrency }, "taking jobs");
  }

  #slotControl(
    contract: JobContract,
    options: WorkOptions,
    count: number,
    handler: DeliveryHandler,
  ): SlotControl {
    const { name } = contract;
    const close = (id: string) => this.#boss.offWork(name, { id, wait: true });
    const { localGroupConcurrency: _, ...alone } = options;
    // pg-boss has one limit per group for all slots of a queue: the limit of the last call of `work`.
    const limits = contract.leavesSlotForOthers
      ? { localConcurrency: count, localGroupConcurrency: count - SLOTS_FOR_OTHERS }
      : {};
    const openIdle = () => this.#boss.work(name, { ...limits, ...TAKES_NO_JOBS }, async () => {});
    return {
      close,
      openIdle,
      openAll: async () => {
        const workId = await this.#open(contract, { ...options, localConcurrency: count }, handler);
        return this.#boss.getWipData().flatMap((worker) => (worker.workId === workId ? [worker.id] : []));
      },
      open: async () => {
        const limit = contract.leavesSlotForOthers ? { localGroupConcurrency: 1 } : {};
        const id = await this.#open(contract, { ...alone, ...limit }, handler);
        // Restores the limit of the group.
        await close(await openIdle());
        return id;
      },
    };
  }

  #open(contract: JobContract, options: WorkOptions, handler: DeliveryHandler): Promise<string> {
    const { name, transactional } = contract;
    if (!transactional) {
      return this.#boss.work<object>(name, options, (jobs) => this.#deliver(contract, handler, jobs, null));
    }
    return this.#boss.work(name, { ...options, transactional }, (jobs: Job<object>[], tx: Db) =>
      this.#deliver(contract, handler, jobs, this.#transactionOf(tx)),
    );
  }

  /** Pauses these queues and resumes all others. Running jobs finish. Scheduled jobs are never paused. */
  pause(queues: ReadonlySet<string>): void {
    this.#paused = queues;
    for (const { contract, slots } of this.#taken) slots.set(!this.#isPaused(contract));
  }

  #isPaused({ queue, schedule }: JobContract): boolean {
    return !schedule && this.#paused.has(queue);
  }

  async #deliver(
    contract: JobContract,
    handler: DeliveryHandler,
    [job]: Job<object>[],
    tx: JobTransaction | null,
  ): Promise<object | undefined> {
    if (!job) return undefined;
    this.#fetchNextAtOnce(contract);
    const delivery = { id: job.id, payload: job.data, attempt: job.retryCount + 1, signal: job.signal };
    try {
      return await this.running.during(contract, job.id, () => handler(delivery, tx));
    } catch (error) {
      const facts = { job: contract.name, jobId: job.id, payload: job.data, delivery: delivery.attempt };
      if (this.#isStopping && job.signal.aborted)
        this.#log.info(facts, "the worker stops: job returned to the queue");
      else this.#log.warn({ ...facts, err: error }, "job failed");
      // pg-boss stores this error with the job, so it must not hold statements or values.
      throw new Error(describeError(error).message);
    }
  }

  /**
   * Makes busy slots fetch their next job as soon as the running one ends. pg-boss would wait for its polling interval
   * after each job (66 jobs per second, measured). Its burst mode needs batches of two or more jobs, which would share a
   * transaction and hold the locks of one chunk while the other is processed.
   */
  #fetchNextAtOnce({ name }: JobContract): void {
    for (const worker of this.#boss.getWipData()) {
      if (worker.name === name && worker.count > 0) this.#boss.notifyWorker(worker.id);
    }
  }

  async add(db: Database, { name }: JobContract, jobs: readonly NewJob[]): Promise<void> {
    const inserts = jobs.map(({ id, payload, startAfterSeconds, priority = 0, group }) => ({
      id,
      data: payload,
      priority,
      ...(startAfterSeconds ? { startAfter: startAfterSeconds } : {}),
      ...(group === undefined ? {} : { group: { id: group } }),
    }));
    await this.#boss.insert(name, inserts, { db: fromDrizzle(db, sql) });
  }

  async remove(db: Database, { name }: JobContract, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#boss.deleteJob(name, [...ids], { db: fromDrizzle(db, sql) });
  }

  live(db: Database, { name }: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return jobsInState(db, name, ids, ["created", "retry", "active"]);
  }

  givenUp(db: Database, { name }: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return jobsInState(db, name, ids, ["failed"]);
  }

  nextRun(cron: string): Date | null {
    return this.#boss.previewSchedule(cron, { tz: "UTC", count: 1 })[0] ?? null;
  }

  /** On CockroachDB, pg-boss has no heartbeat for transactional handlers: only `expireInSeconds` limits a job. */
  #supported<O extends QueueOptions>(options: O): O {
    if (this.#config.databaseBackend !== "cockroachdb") return options;
    const { heartbeatSeconds: _, ...rest } = options;
    return rest as O;
  }
}
