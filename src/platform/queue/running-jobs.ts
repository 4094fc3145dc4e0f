/** The jobs that a process runs now, and observers of their starts and ends. */
import { Later } from "./later.ts";

interface RunningDelivery {
  readonly job: string;
  readonly queue: string;
  readonly id: string;
  readonly payload: unknown;
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
}

interface JobKind {
  readonly name: string;
  readonly queue: string;
}

/** `done`: the handler returned. `thrown`: the handler threw, and the job is delivered again. */
type DeliveryOutcome = "done" | "thrown";
export type DeliveryObserver = (kind: JobKind, outcome: DeliveryOutcome, seconds: number) => void;

interface DeliveredJob {
  readonly id: string;
  /** The share that the job counts for, usually that of a user. */
  readonly group: string | null;
  readonly payload: unknown;
  /** Whether the process stops or has lost the job, which is no failure of the job. */
  readonly isStopped: () => boolean;
}

/** A moment in the life of a job. `seconds` is null at the start. */
export interface JobMoment extends Omit<DeliveredJob, "isStopped"> {
  readonly event: "started" | "completed" | "put_back" | "failed";
  readonly job: string;
  readonly seconds: number | null;
}

export class RunningJobs {
  readonly #deliveries = new Map<object, RunningDelivery>();
  readonly #observers: DeliveryObserver[] = [];
  #follower: ((moment: JobMoment) => void) | null = null;

  list(): RunningDelivery[] {
    return [...this.#deliveries.values()];
  }

  observe(observer: DeliveryObserver): void {
    this.#observers.push(observer);
  }

  /** Calls `follower` when a job starts or ends, instead of the follower before. null: nobody follows. */
  follow(follower: ((moment: JobMoment) => void) | null): void {
    this.#follower = follower;
  }

  /** Runs `work` with the delivery in the list, then calls the observers. */
  async during<T>(kind: JobKind, delivered: DeliveredJob, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const { name, queue } = kind;
    const { isStopped, ...job } = delivered;
    this.#deliveries.set(work, { job: name, queue, id: job.id, payload: job.payload, startedAt });
    this.#follower?.({ ...job, event: "started", job: name, seconds: null });
    let outcome: DeliveryOutcome = "thrown";
    let event: JobMoment["event"] = "failed";
    try {
      const result = await work();
      outcome = "done";
      event = result instanceof Later ? "put_back" : "completed";
      return result;
    } catch (error) {
      if (isStopped()) event = "put_back";
      throw error;
    } finally {
      const seconds = (performance.now() - startedAt) / 1000;
      this.#deliveries.delete(work);
      for (const observe of this.#observers) observe(kind, outcome, seconds);
      this.#follower?.({ ...job, event, job: name, seconds });
    }
  }
}
