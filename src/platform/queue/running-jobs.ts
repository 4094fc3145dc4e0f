/** What a process works on, and who is told of how it ended. */
import type { RunningJob } from "../../schema/workers.ts";

interface JobKind {
  readonly name: string;
  readonly queue: string;
}

/** `done`: its handler returned. `thrown`: the job is delivered again. */
type DeliveryOutcome = "done" | "thrown";
export type DeliveryObserver = (kind: JobKind, outcome: DeliveryOutcome, seconds: number) => void;

export class RunningJobs {
  readonly #deliveries = new Map<object, RunningJob & { readonly queue: string }>();
  readonly #observers: DeliveryObserver[] = [];

  list(): (RunningJob & { readonly queue: string })[] {
    return [...this.#deliveries.values()];
  }

  observe(observer: DeliveryObserver): void {
    this.#observers.push(observer);
  }

  /** Keeps a delivery in the list for as long as it is worked on. */
  async during<T>(kind: JobKind, id: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const { name, queue } = kind;
    this.#deliveries.set(work, { job: name, queue, id, since: new Date().toISOString() });
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
