/** pg-boss behind the words that Rowmill needs. Only this folder imports pg-boss. */
import { sql } from "drizzle-orm";
import { type Db, fromDrizzle, type Job, PgBoss, type QueueOptions, type WorkOptions } from "pg-boss";
import type { Config } from "../../config.ts";
import { type ProgramRole, ROOM_FOR_OTHERS } from "../../connections.ts";
import { QUEUE_SCHEMA } from "../../schema/columns.ts";
import { describeError, type Log } from "../log.ts";
import { connectionLimits, type Database } from "../postgres/database.ts";
import { JobPlaces, type Taking } from "./job-places.ts";
import { type JobTransaction, trackTransactions } from "./job-transactions.ts";
import { jobsInState } from "./queue-reads.ts";
import { RunningJobs } from "./running-jobs.ts";

/** What the queue has to know of a job; jobs.ts lists them all. */
export interface JobContract {
  readonly name: string;
  /** Which group of workers takes it (WORKER_QUEUES). */
  readonly queue: string;
  readonly options: QueueOptions & { notify?: boolean };
  /** How many a worker process handles at a time; `worker`: as many as WORKER_QUEUES or WORKER_CONCURRENCY say. */
  readonly concurrency: "worker" | 1;
  /** Handler and completion commit together. */
  readonly transactional: boolean;
  /** `concurrency` is for the jobs of one group; one place more is there for others. */
  readonly leavesRoom?: boolean;
  /** Cron expression in UTC, where the job also runs by itself. */
  readonly schedule?: (config: Config) => string;
}

export interface NewJob {
  readonly id: string;
  readonly payload: object;
  readonly startAfterSeconds?: number;
  /** Higher ones are taken first. */
  readonly priority?: number;
  /** Whose it is, for contracts that leave room for others. */
  readonly group?: string;
}

/** One delivery of a job: what a handler gets. */
export interface Delivery {
  readonly id: string;
  readonly payload: unknown;
  /** 1 at the first delivery. */
  readonly attempt: number;
  /** Aborts when the claim is lost, the job runs out of time or the process stops. */
  readonly signal: AbortSignal;
}

/** What it returns is kept with the job as its result. `tx` is for transactional contracts; null for the others. */
export type DeliveryHandler = (delivery: Delivery, tx: JobTransaction | null) => Promise<object | undefined>;

export interface Queue {
  /** Adds jobs in the transaction that `db` is in, so that they exist when its writes do. */
  add(db: Database, job: JobContract, jobs: readonly NewJob[]): Promise<void>;
  /** Removes jobs, whatever their state, in the transaction that `db` is in. */
  remove(db: Database, job: JobContract, ids: readonly string[]): Promise<void>;
  /** Which of these jobs are waiting, running or to be retried; the others are lost, done or given up. */
  live(db: Database, job: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Which of these jobs have used up their deliveries. */
  givenUp(db: Database, job: JobContract, ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** When a schedule is due next. */
  nextRun(cron: string): Date | null;
}

/** No job has such a priority. */
const TAKES_NOTHING = { minPriority: 1_000_000, pollingIntervalSeconds: 60 };

/** NOTIFY wakes workers at once; polling finds the jobs whose backoff is over, and all of them without NOTIFY. */
const POLLING_SECONDS = 1;

/** How many jobs of a kind, and of one group where it leaves room for others, a worker takes at a time. */
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
  readonly #taken: { readonly contract: JobContract; readonly places: JobPlaces }[] = [];
  readonly inHand = new RunningJobs();
  #paused: ReadonlySet<string> = new Set();
  readonly #transactionOf: (db: Db) => JobTransaction;

  /** @param canListen whether NOTIFY may wake a worker; without it, polling alone does */
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
      // The migration creates it, where the role may.
      createSchema: false,
      max: poolMax,
      ...connectionLimits,
      backend: config.databaseBackend,
      migrate: role === "migrate",
      supervise: role === "work",
      schedule: role === "work",
      useListenNotify: role === "work" && canListen,
      // With a heartbeat of 10 s these notice a killed worker after about 10.5 s (measured).
      monitorIntervalSeconds: 2,
      superviseIntervalSeconds: 2,
      cronMonitorIntervalSeconds: 20,
      cronWorkerIntervalSeconds: 2,
    });
    this.#transactionOf = trackTransactions(this.#boss.getDb());
    // Without this listener a lost connection would end the process.
    this.#boss.on("error", (error) => log.warn({ err: error }, "the queue met an error and goes on"));
    this.#boss.on("warning", (warning) => log.warn({ data: warning.data }, warning.message));
  }

  /** @throws where the queue's schema is missing or older than this version */
  async start(): Promise<void> {
    await this.#boss.start();
  }

  /** Stops fetching, waits for the jobs in hand up to `timeoutMs`, and hands back what is not done by then. */
  async stop(timeoutMs: number): Promise<void> {
    for (const { places } of this.#taken) places.stop();
    await this.#boss.stop({ graceful: true, timeout: timeoutMs });
  }

  /** Creates the queue of every contract, or brings its options up to date. */
  async declare(contracts: readonly JobContract[]): Promise<void> {
    for (const { name, options } of contracts) {
      const declared = this.#supported(options);
      await this.#boss.createQueue(name, declared);
      await this.#boss.updateQueue(name, declared);
    }
  }

  /**
   * Starts taking jobs of one contract, unless its queue is paused, and sees that those with a schedule come by
   * themselves.
   */
  async work(contract: JobContract, handler: DeliveryHandler): Promise<void> {
    const concurrency = concurrencyOf(contract, this.#config);
    const { name, schedule } = contract;
    if (schedule) await this.#boss.schedule(name, schedule(this.#config), {}, { tz: "UTC" });
    const options: WorkOptions = {
      pollingIntervalSeconds: POLLING_SECONDS,
      notifyPollingIntervalSeconds: POLLING_SECONDS,
      ...(contract.leavesRoom ? { localGroupConcurrency: concurrency } : {}),
      ...(this.#supported(contract.options).heartbeatSeconds ? { heartbeatRefreshSeconds: 1 } : {}),
    };
    const count = contract.leavesRoom ? concurrency + ROOM_FOR_OTHERS : concurrency;
    const places = new JobPlaces(count, this.#takingOf(contract, options, count, handler), (error) =>
      this.#log.error({ err: error, job: name }, "a place for jobs could not be opened or closed"),
    );
    this.#taken.push({ contract, places });
    await places.start(!this.#isPaused(contract));
    this.#log.debug({ job: contract.name, queue: contract.queue, concurrency }, "taking jobs");
  }

  #takingOf(contract: JobContract, options: WorkOptions, count: number, handler: DeliveryHandler): Taking {
    const { name } = contract;
    const close = (id: string) => this.#boss.offWork(name, { id, wait: true });
    const { localGroupConcurrency: _, ...alone } = options;
    // pg-boss has one limit a group for all that work on a queue: the one that came last with a `work`.
    const limits = contract.leavesRoom
      ? { localConcurrency: count, localGroupConcurrency: count - ROOM_FOR_OTHERS }
      : {};
    const keep = () => this.#boss.work(name, { ...limits, ...TAKES_NOTHING }, async () => {});
    return {
      close,
      keep,
      openAll: async () => {
        const workId = await this.#open(contract, { ...options, localConcurrency: count }, handler);
        return this.#boss.getWipData().flatMap((worker) => (worker.workId === workId ? [worker.id] : []));
      },
      open: async () => {
        const limit = contract.leavesRoom ? { localGroupConcurrency: 1 } : {};
        const id = await this.#open(contract, { ...alone, ...limit }, handler);
        await close(await keep());
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

  /** Takes nothing from these queues and all from the others. What is in hand ends. Upkeep goes on. */
  pause(queues: ReadonlySet<string>): void {
    this.#paused = queues;
    for (const { contract, places } of this.#taken) places.set(!this.#isPaused(contract));
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
      return await this.inHand.during(contract, job.id, () => handler(delivery, tx));
    } catch (error) {
      this.#log.warn(
        { err: error, job: contract.name, jobId: job.id, payload: job.data, delivery: delivery.attempt },
        "job failed",
      );
      // pg-boss keeps what is thrown with the job: no statements, no values.
      throw new Error(describeError(error).message);
    }
  }

  /**
   * Those that have a job in hand look for the next one as soon as it is done: pg-boss would wait out its polling
   * interval between single jobs (66 a second, measured), and its burst mode needs batches of two or more, which would
   * share a transaction and hold the locks of one chunk while the other is worked on.
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

  /** CockroachDB refuses a heartbeat beside a transactional handler: there `expireInSeconds` alone bounds a job. */
  #supported<O extends QueueOptions>(options: O): O {
    if (this.#config.databaseBackend !== "cockroachdb") return options;
    const { heartbeatSeconds: _, ...rest } = options;
    return rest as O;
  }
}
