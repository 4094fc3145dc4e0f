import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Declares the metrics of a registry. */
export class Meter {
  readonly #registers: Registry[];

  constructor(registry: Registry) {
    this.#registers = [registry];
  }

  counter<L extends string = never>(name: string, help: string, ...labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: this.#registers });
  }

  histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: L[]
  ): Histogram<L> {
    return new Histogram({ name, help, buckets, labelNames, registers: this.#registers });
  }

  /** @param collect sets the values; called for each scrape */
  gauge<L extends string = never>(
    name: string,
    help: string,
    collect: (gauge: Gauge<L>) => void | Promise<void>,
    ...labelNames: L[]
  ): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: this.#registers,
      collect() {
        return collect(this);
      },
    });
  }
}
