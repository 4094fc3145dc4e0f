/** How many database connections a process opens, and how the queue and everything else share them. */

/** Places for jobs of other users, beside those that one user may take. */
export const ROOM_FOR_OTHERS = 1;
/** Kinds of jobs that hold a connection while they run: chunks and whole batches. */
const TRANSACTIONAL_JOBS = 2;
/** pg-boss fetches, sends heartbeats and supervises on connections of its own. */
const QUEUE_UPKEEP = 3;
/** The fewest that verbs work with beside a full queue. */
const OTHERS = 3;

export type ProgramRole = "enqueue" | "work";

/** The connections of the queue in a program that takes jobs (`work`) or only adds them (`enqueue`). */
export function queueConnections(role: ProgramRole, maxConcurrency: number): number {
  const running = role === "work" ? TRANSACTIONAL_JOBS * (maxConcurrency + ROOM_FOR_OTHERS) : 0;
  return running + QUEUE_UPKEEP;
}

/** The smallest DATABASE_POOL_MAX that a worker of this concurrency runs with. */
export function connectionsNeeded(maxConcurrency: number): number {
  return queueConnections("work", maxConcurrency) + OTHERS;
}
