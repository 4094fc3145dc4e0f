/** The metrics of every program: Node's own, among them the lag of the event loop, and the use of database connections. */
import type pg from "pg";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** @param pools by the name that the metrics have for them */
export function openRegistry(pools: Readonly<Record<string, pg.Pool>>): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "rowmill_database_connections",
    help: "Connections to the database that this process has open, without those of the queue.",
    labelNames: ["pool", "state"] as const,
    registers: [registry],
    collect() {
      for (const [pool, { totalCount, idleCount }] of Object.entries(pools)) {
        this.set({ pool, state: "idle" }, idleCount);
        this.set({ pool, state: "busy" }, totalCount - idleCount);
      }
    },
  });
  new Gauge({
    name: "rowmill_database_connections_max",
    help: "Connections to the database that this process may open.",
    labelNames: ["pool"] as const,
    registers: [registry],
    collect() {
      for (const [pool, { options }] of Object.entries(pools)) this.set({ pool }, options.max ?? 0);
    },
  });
  new Gauge({
    name: "rowmill_database_waiting",
    help: "Statements that wait for a connection.",
    labelNames: ["pool"] as const,
    registers: [registry],
    collect() {
      for (const [pool, { waitingCount }] of Object.entries(pools)) this.set({ pool }, waitingCount);
    },
  });
  return registry;
}
