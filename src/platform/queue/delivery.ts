/** One delivery of a job: its claim, its time limit, and its outcome in the queue. */
import type { PgBoss } from "pg-boss";
import type { Grouped } from "../grouped.ts";
import { describeError, type Log, stackOf } from "../log.ts";
import { type Database, isTransient, type OpenTransaction } from "../postgres/database.ts";
import type { Tracing } from "../tracing/tracing.ts";
import {
  type Claim,
  ClaimLost,
  type Completion,
  completeJob,
  failForGood,
  type PutBack,
  putBack,
} from "./claims.ts";
import type { JobContract } from "./contract.ts";
import type { TakenJob } from "./fetch-jobs.ts";
import type { JobSet } from "./job-set.ts";
import { inJobTransaction } from "./job-transactions.ts";
import { Later } from "./later.ts";
import type { RunningJobs } from "./running-jobs.ts";

/** One delivery of a job to a handler. */
export interface Delivery {
  readonly id: string;
  readonly payload: unknown;
  /** 1 at first. Deliveries that end because of the database, a lost process or a stop do not count. */
  readonly attempt: number;
  /** Aborts if another worker may take the job, if the job runs out of time, or if the process stops. */
  readonly signal: AbortSignal;
  /** Absent: the job runs alone. */
  readonly turn?: Turn;
}

/** The turn of a job in its set. */
export interface Turn {
  /** Whether the set has other jobs. */
  readonly isShared: boolean;
  /**
   * Does the work of the job when its turn has come.
   * @param isLong whether jobs with this result are long, however little time they took
   * @returns null if the job must go back to the queue, because others took too long
   */
  take<T>(work: () => Promise<T>, isLong: (result: T) => boolean): Promise<{ readonly result: T } | null>;
}

type Result = object | undefined;

export interface Handler {
  /** Returns the result that is stored with the job, or a `Later`. `tx` is null unless the contract is transactional. */
  run(delivery: Delivery, tx: OpenTransaction | null): Promise<Result | Later>;
  /** Runs a job whose previous delivery ended with its process, without a transaction around it. */
  runAlone(delivery: Delivery): Promise<Result | Later>;
  /** Returns the kind whose durations decide whether such jobs run in sets; null: this job runs in no set. Absent: none does. */
  kindOf?(payload: unknown): string | null;
  /** Whether the payload asks for `runAlone`. */
  mustRunAlone(payload: unknown): boolean;
  /** Deals with a job that has failed too often. False: the job ends as failed. */
  giveUp(delivery: Delivery, error: unknown): Promise<boolean>;
}

/** Thrown by `runAlone` if the work ends its process every time. The job is given up at once. */
export class ProcessCrashed extends Error {
  override name = "ProcessCrashed";
}

/** The reason of the signal if the process stops or has lost the job, which is no failure of the job. */
export class DeliveryStopped extends Error {
  override name = "DeliveryStopped";
}

/** How pg-boss's supervisor describes a job whose worker has given no sign of life. */
const LOST = new Set(["job heartbeat timeout", "job timed out"]);

/** A handler that ignores the signal is abandoned after this time, so that its place becomes free. */
const ABANDON_AFTER_MS = 5000;

interface Means {
  readonly boss: PgBoss;
  readonly db: Database;
  readonly log: Log;
  readonly tracing: Tracing;
  readonly running: RunningJobs;
  /** The jobs whose last delivery this process has survived. */
  readonly survived: Set<string>;
  /** Jobs that end at about the same time share a statement. Each tells whether its claim still held. */
  readonly completions: Grouped<Completion, boolean>;
  readonly putBacks: Grouped<PutBack, boolean>;
}

/** A job of a set, as the dispatcher starts it. */
interface Taken {
  readonly job: TakenJob;
  readonly kind: string | null;
  readonly set: JobSet;
}

export class RunningDelivery {
  readonly claim: Claim;
  readonly group: string | null;
  readonly #contract: JobContract;
  readonly #job: TakenJob;
  readonly #means: Means;
  readonly #abort = new AbortController();
  readonly #turn: Turn;

  constructor(contract: JobContract, { job, kind, set }: Taken, means: Means) {
    this.#contract = contract;
    this.#job = job;
    this.#means = means;
    this.#turn = {
      isShared: set.size > 1,
      take: (work, isLong) => set.inTurn(kind, work, isLong),
    };
    this.claim = claimOf(contract, job);
    this.group = job.groupId ?? null;
  }

  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  get #isStopped(): boolean {
    const { aborted, reason } = this.#abort.signal;
    return aborted && reason instanceof DeliveryStopped;
  }

  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  /** Returns how a job was put back, otherwise null. Never throws. */
  run(handler: Handler): Promise<Later | null> {
    const attributes = {
      "rowmill.queue": this.#contract.queue,
      "rowmill.job_id": this.#job.id,
      "rowmill.attempt": failuresOf(this.#job) + 1,
      ...idsOf(this.#job.data),
    };
    return this.#means.tracing.span(
      this.#contract.name,
      { kind: "consumer", parent: traceparentOf(this.#job.data), attributes },
      (fail) => this.#run(handler, fail),
    );
  }

  async #run(handler: Handler, fail: (error: unknown) => void): Promise<Later | null> {
    const { expireInSeconds } = this.#job;
    const timer = setTimeout(
      () => this.abort(new Error(`The job took longer than ${expireInSeconds} s.`)),
      expireInSeconds * 1000,
    );
    const delivery = {
      id: this.#job.id,
      payload: this.#job.data,
      attempt: failuresOf(this.#job) + 1,
      signal: this.#abort.signal,
      turn: this.#turn,
    };
    try {
      const handling = () => this.#handle(handler, delivery);
      const { id, payload } = delivery;
      const job = { id, payload, group: this.group, isStopped: () => this.#isStopped };
      const outcome = await this.#means.running.during(this.#contract, job, handling);
      return outcome instanceof Later ? outcome : null;
    } catch (error) {
      fail(error);
      await this.#settleFailure(handler, delivery, error).catch((cause) => {
        // The supervisor returns the job to the queue once its signs of life are missing.
        this.#means.log.warn({ ...this.#facts(), err: cause }, "could not record that a job failed");
      });
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  async #handle(handler: Handler, delivery: Delivery): Promise<Result | Later> {
    const { boss, db, log } = this.#means;
    if (isLost(this.#contract, this.#job, this.#means.survived) || handler.mustRunAlone(delivery.payload)) {
      const outcome = await this.#untilAbandoned(handler.runAlone(delivery));
      await this.#settle(db, outcome);
      return outcome;
    }
    if (!this.#contract.transactional) {
      const outcome = await this.#untilAbandoned(handler.run(delivery, null));
      if (!(await this.#settleTogether(outcome)))
        throw new ClaimLost("Another worker may have taken the job.");
      return outcome;
    }
    return inJobTransaction(boss.getDb(), log, async (tx) => {
      const outcome = await this.#untilAbandoned(handler.run(delivery, tx));
      await this.#settle(tx.db, outcome);
      return outcome;
    });
  }

  /** @throws ClaimLost */
  async #settle(db: Database, outcome: Result | Later): Promise<void> {
    if (outcome instanceof Later) await putBack(db, this.#putBack(outcome));
    else await completeJob(db, this.claim, outcome);
  }

  #settleTogether(outcome: Result | Later): Promise<boolean> {
    const { completions, putBacks } = this.#means;
    if (outcome instanceof Later) return putBacks.add(this.#putBack(outcome));
    return completions.add({ claim: this.claim, result: outcome });
  }

  #putBack(later: Later): PutBack {
    return { claim: this.claim, later, traceparent: traceparentOf(this.#job.data) };
  }

  async #settleFailure(handler: Handler, delivery: Delivery, thrown: unknown): Promise<void> {
    const { boss, db, log, survived } = this.#means;
    const facts = { ...this.#facts(), delivery: delivery.attempt };
    const { aborted, reason } = this.#abort.signal;
    if (thrown instanceof ClaimLost || this.#isStopped) {
      log.info(facts, "job stopped: the worker stops, or another worker has taken it");
    } else log.warn({ ...facts, err: thrown }, "job failed");
    if (thrown instanceof ClaimLost) return;
    survived.add(this.claim.id);
    const error = aborted ? reason : thrown;
    const isCounted = !(error instanceof DeliveryStopped) && !isTransient(error);
    const failures = delivery.attempt - 1 + (isCounted ? 1 : 0);
    // The output must not hold statements or values.
    const output = { message: describeError(error).message, failures, stack: stackOf(error) };
    const mustGiveUp = failures >= this.#contract.maxAttempts || error instanceof ProcessCrashed;
    if (!isCounted || !mustGiveUp) await boss.fail(this.claim.name, [this.claim], output);
    else if (await handler.giveUp(delivery, error)) await completeJob(db, this.claim, output);
    else await failForGood(db, this.claim, output);
  }

  async #untilAbandoned<T>(handling: Promise<T>): Promise<T> {
    const { promise: abandoned, reject } = Promise.withResolvers<never>();
    let timer: NodeJS.Timeout | undefined;
    const { signal } = this.#abort;
    const onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), ABANDON_AFTER_MS);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([handling, abandoned]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #facts() {
    return { job: this.claim.name, jobId: this.claim.id, payload: this.#job.data };
  }
}

/** Returns the key with which a worker holds a job that it has taken. */
export function claimOf({ name }: JobContract, { id, retryCount }: TakenJob): Claim {
  return { name, id, retryCount };
}

/** Whether the process that ran the previous delivery has ended, as far as this process knows. */
export function isLost({ isHarmless }: JobContract, job: TakenJob, survived: ReadonlySet<string>): boolean {
  if (isHarmless) return false;
  const output = job.output as { value?: { message?: string } } | null;
  return LOST.has(output?.value?.message ?? "") && !survived.has(job.id);
}

/** The number of deliveries that have failed since the job last made progress. */
function failuresOf({ output }: TakenJob): number {
  const { failures } = (output ?? {}) as { failures?: unknown };
  return typeof failures === "number" ? failures : 0;
}

/** The span that added the job. The queue stores it with the payload if it traces. */
function traceparentOf(data: object | null): string | null {
  const { traceparent } = (data ?? {}) as { traceparent?: unknown };
  return typeof traceparent === "string" ? traceparent : null;
}

/** The ids of a payload, for its span. Other fields can be personal data. */
function idsOf(data: object | null): Record<string, string> {
  const ids = Object.entries(data ?? {}).filter(
    ([key, value]) => key.endsWith("Id") && typeof value === "string",
  );
  const inSnakeCase = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(ids.map(([key, value]) => [`rowmill.${inSnakeCase(key)}`, value]));
}
