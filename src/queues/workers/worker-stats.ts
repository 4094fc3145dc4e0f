/** Counts what a worker has done since it started. It keeps some numbers for each task type, and nothing else. */
import type { Activity, AttemptOutcome } from "../../activity.ts";
import type { TypeStats, WorkerStats } from "../../schema/workers.ts";

/** The latest attempts of a type, of which the 95th percentile is taken. They need 4 kB per type. */
const SAMPLE = 500;
/** The time over which the rate of rows is taken. */
const RATE_MS = 60_000;

export class StatsOfWorker {
  readonly #types = new Map<string, StatsOfType>();
  #rows = 0;
  #rowsFailed = 0;
  /** The number of rows at earlier reports of the last minute. */
  #earlier: { readonly at: number; readonly rows: number }[];

  constructor(activity: Activity, now = performance.now()) {
    this.#earlier = [{ at: now, rows: 0 }];
    activity.on("attemptEnded", ({ type, outcome, seconds }) => this.#add(type, outcome, seconds));
    activity.on("rowsProcessed", ({ succeeded, failed }) => {
      this.#rows += succeeded + failed;
      this.#rowsFailed += failed;
    });
  }

  /** Call it regularly, because each call is a point from which later ones take the rate of rows. */
  report(now = performance.now()): WorkerStats {
    const recent = this.#earlier.filter(({ at }) => now - at <= RATE_MS);
    const since = recent[0] ?? this.#earlier.at(-1) ?? { at: now, rows: this.#rows };
    this.#earlier = [...recent, { at: now, rows: this.#rows }];
    const seconds = (now - since.at) / 1000;
    const tasks = [...this.#types].map(([type, stats]) => ({ type, ...stats.report() }));
    return {
      tasks: tasks.toSorted((a, b) => a.type.localeCompare(b.type)),
      rows: this.#rows,
      rowsFailed: this.#rowsFailed,
      rowsPerSecond: seconds > 0 ? round((this.#rows - since.rows) / seconds) : 0,
    };
  }

  #add(type: string, outcome: AttemptOutcome, seconds: number): void {
    if (outcome === "stopped") return;
    const stats = this.#types.get(type) ?? new StatsOfType();
    this.#types.set(type, stats);
    stats.add(outcome, seconds);
  }
}

class StatsOfType {
  readonly #counts = { completed: 0, failed: 0, retried: 0 };
  readonly #latest = new Float64Array(SAMPLE);
  #total = 0;
  #seconds = 0;

  add(outcome: "completed" | "failed" | "retried", seconds: number): void {
    this.#counts[outcome]++;
    this.#latest[this.#total % SAMPLE] = seconds;
    this.#total++;
    this.#seconds += seconds;
  }

  report(): Omit<TypeStats, "type"> {
    const sorted = this.#latest.slice(0, Math.min(SAMPLE, this.#total)).sort();
    const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
    return { ...this.#counts, meanSeconds: round(this.#seconds / this.#total), p95Seconds: round(p95) };
  }
}

const round = (value: number) => Math.round(value * 1000) / 1000;
