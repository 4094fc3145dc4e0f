/** Tasks that do nothing, beside jobs that do nothing: what a state, a history and a result cost above the queue itself. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { POLL_MS, readStatus, signUp, startPrograms, stopPrograms } from "./rowmill.ts";

export interface MeasuredTasks {
  readonly completedSeconds: number;
  /** The same number of tasks whose owner wants a notification of each, up to the limit per hour. */
  readonly announcedSeconds: number;
  /** The same number of tasks of a type with the limit `LIMIT_PER_SECOND`. */
  readonly limitedSeconds: number;
  /** pg-boss alone. */
  readonly workSeconds: number;
}

/** As many as a worker has places for. */
const CONCURRENCY = 5;
const QUEUE = "floor";
/** The highest limit of a task type. */
export const LIMIT_PER_SECOND = 1000;

export async function measureTasks(databaseUrl: string, count: number): Promise<MeasuredTasks> {
  const workSeconds = await measureQueue(databaseUrl, count);
  const completedSeconds = await measureRowmillTasks(databaseUrl, count, false);
  const announcedSeconds = await measureRowmillTasks(databaseUrl, count, true);
  await setLimit(databaseUrl, LIMIT_PER_SECOND);
  const limitedSeconds = await measureRowmillTasks(databaseUrl, count, false);
  await setLimit(databaseUrl, null);
  return { workSeconds, completedSeconds, announcedSeconds, limitedSeconds };
}

async function setLimit(databaseUrl: string, perSecond: number | null): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query("DELETE FROM rowmill.task_limits");
  if (perSecond !== null)
    await client.query("INSERT INTO rowmill.task_limits (type, per_second) VALUES ('generic', $1)", [
      perSecond,
    ]);
  await client.end();
}

/** One job at a time as tasks are, each place looking for its next at once instead of waiting out its polling interval. */
async function measureQueue(databaseUrl: string, count: number) {
  const boss = new PgBoss({ connectionString: databaseUrl, supervise: false, useListenNotify: true });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  try {
    await boss.createQueue(QUEUE, { notify: true });
    const jobs = Array.from({ length: count }, (_, index) => ({ data: { index } }));
    await boss.insert(QUEUE, jobs);
    const takenAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      let done = 0;
      const handle = async () => {
        for (const { id, name, count } of boss.getWipData()) {
          if (name === QUEUE && count > 0) boss.notifyWorker(id);
        }
        if (++done === count) resolve();
      };
      boss.work(QUEUE, { localConcurrency: CONCURRENCY, pollingIntervalSeconds: 1 }, handle).catch(reject);
    });
    return (performance.now() - takenAt) / 1000;
  } finally {
    await boss.stop();
    await boss.deleteQueue(QUEUE).catch(() => {}); // stop() may have closed its pool already
  }
}

/**
 * Over HTTP, with a worker that is there from the beginning.
 * @param isAnnounced whether the owner wants to see in the app that tasks have completed
 */
async function measureRowmillTasks(databaseUrl: string, count: number, isAnnounced: boolean) {
  const { url, programs } = await startPrograms(databaseUrl);
  const [, worker] = programs;
  try {
    const authorization = `Bearer ${await signUp(url)}`;
    const headers = { authorization, "content-type": "application/json" };
    const preferred = await fetch(`${url}/api/v1/notification-preferences`, {
      method: "PATCH",
      body: JSON.stringify({ "task.completed": { in_app: isAnnounced } }),
      headers,
    });
    if (!preferred.ok) throw new Error(`The preferences were refused: ${await preferred.text()}`);
    const tasks = Array.from({ length: count }, () => ({ type: "generic", params: { seconds: 0 } }));
    const body = JSON.stringify({ tasks });
    worker.kill("SIGSTOP");
    const response = await fetch(`${url}/api/v1/tasks/bulk`, {
      method: "POST",
      body,
      headers,
    });
    const answer = await response.text();
    if (response.status !== 201) throw new Error(`The tasks were refused: ${answer.slice(0, 1000)}`);
    worker.kill("SIGCONT");
    const takenAt = performance.now();
    const readStats = () => readStatus<{ completed: number }>(`${url}/api/v1/tasks/stats`, { authorization });
    while ((await readStats()).completed < count) await sleep(POLL_MS);
    return (performance.now() - takenAt) / 1000;
  } finally {
    await stopPrograms(...programs);
  }
}
