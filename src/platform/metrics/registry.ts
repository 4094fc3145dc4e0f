/** The metrics of every program: Node's own, among them the lag of the event loop, and the use of database connections. */
import type pg from "pg";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Replica } from "../postgres/replica.ts";
import { Meter } from "./meter.ts";

/** @param pools by the name that the metrics have for them */
export function openRegistry(pools: Readonly<Record<string, pg.Pool>>): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const meter = new Meter(registry);
  meter.gauge(
    "rowmill_database_connections",
    "Connections to the database that this process has open, without those of the queue.",
    (gauge) => {
      for (const [pool, { totalCount, idleCount }] of Object.entries(pools)) {
        gauge.set({ pool, state: "idle" }, idleCount);
        gauge.set({ pool, state: "busy" }, totalCount - idleCount);
      }
    },
    "pool",
    "state",
  );
  meter.gauge(
    "rowmill_database_connections_max",
    "Connections to the database that this process may open.",
    (gauge) => {
      for (const [pool, { options }] of Object.entries(pools)) gauge.set({ pool }, options.max ?? 0);
    },
    "pool",
  );
  meter.gauge(
    "rowmill_database_waiting",
    "Statements that wait for a connection.",
    (gauge) => {
      for (const [pool, { waitingCount }] of Object.entries(pools)) gauge.set({ pool }, waitingCount);
    },
    "pool",
  );
  return registry;
}

/** Adds the metric that shows how old the state of the standby is. */
export function addReplicaMetrics(registry: Registry, replica: Replica): void {
  new Meter(registry).gauge(
    "rowmill_replica_lag_seconds",
    "The age of the state that the standby (DATABASE_READ_URL) shows; +Inf if it is unreachable or no standby.",
    (gauge) => gauge.set(replica.lagSeconds),
  );
}
