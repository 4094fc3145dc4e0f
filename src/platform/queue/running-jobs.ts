/** The jobs that a process runs now, and observers of their ends. */
interface RunningDelivery {
  readonly job: string;
  readonly queue: string;
  readonly id: string;
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

export class RunningJobs {
  readonly #deliveries = new Map<object, RunningDelivery>();
  readonly #observers: DeliveryObserver[] = [];

  list(): RunningDelivery[] {
    return [...this.#deliveries.values()];
  }

  observe(observer: DeliveryObserver): void {
    this.#observers.push(observer);
  }

  /** Runs `work` with the delivery in the list, then calls the observers. */
  async during<T>(kind: JobKind, id: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const { name, queue } = kind;
    this.#deliveries.set(work, { job: name, queue, id, startedAt });
    let outcome: DeliveryOutcome = "thrown";
    try {
      const result = await work();
      outcome = "done";
      return result;
    } finally {
      this.#deliveries.delete(work);
      for (const observe of this.#observers) observe(kind, outcome, (performance.now() - startedAt) / 1000);
    }
  }
}
