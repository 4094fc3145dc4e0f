/** The number of database connections that a process opens, and how the queue and all other code share them. */

/** Slots for users with nothing running, in addition to those that all users share. */
export const SLOTS_FOR_OTHERS = 1;
/** The kinds of jobs that hold a connection while they run: chunks and whole batches. */
const TRANSACTIONAL_JOBS = 2;
/** Connections on which pg-boss fetches jobs, sends heartbeats and supervises. */
const QUEUE_UPKEEP = 3;
/** The minimum for everything except the queue. */
const OTHERS = 3;

export type ProgramRole = "enqueue" | "work";

/** Returns the connections of the queue in a program that takes jobs (`work`) or only adds them (`enqueue`). */
export function queueConnections(role: ProgramRole, maxConcurrency: number): number {
  const running = role === "work" ? TRANSACTIONAL_JOBS * (maxConcurrency + SLOTS_FOR_OTHERS) : 0;
  return running + QUEUE_UPKEEP;
}

/** Returns the connections of an API's reads. Writes keep the others, whatever is read. */
export function readConnections(connections: number): number {
  return Math.floor(connections / 2);
}

/** Returns the searches that run at a time in an API. Quick reads keep the other connections. */
export function searchConnections(reading: number): number {
  return Math.max(1, Math.floor(reading / 2));
}

/** Returns the smallest DATABASE_POOL_MAX for a worker of this concurrency. */
export function connectionsNeeded(maxConcurrency: number): number {
  return queueConnections("work", maxConcurrency) + OTHERS;
}
