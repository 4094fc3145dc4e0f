/** Tasks that do nothing, beside jobs that do nothing: what a state, a history and a result cost above the queue itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { PgBoss } from "pg-boss";
import { type Bench, type Part, times, whole } from "./bench.ts";
import { POLL_MS, readStatus, signUp, startPrograms, stopPrograms } from "./rowmill.ts";
import { median } from "./table.ts";

interface MeasuredTasks {
  readonly createdSeconds: number;
  readonly completedSeconds: number;
  /** The same number of tasks whose owner wants a notification of each, up to the limit per hour. */
  readonly announcedSeconds: number;
  /** pg-boss alone. */
  readonly insertSeconds: number;
  readonly workSeconds: number;
}

/** As many as a worker has places for. */
const CONCURRENCY = 5;
const QUEUE = "floor";

const TASKS = 10_000;

export async function tasksPart(bench: Bench): Promise<Part> {
  const measured: MeasuredTasks[] = [];
  for (let run = 0; run < bench.runs; run++) {
    await bench.emptyTables();
    measured.push(await measureTasks(bench.databaseUrl, TASKS));
  }
  const of = (pick: (run: MeasuredTasks) => number) => median(measured.map(pick));
  const figures = {
    tasksCreatedPerSecond: TASKS / of((run) => run.createdSeconds),
    tasksCreatedRatio: of((run) => run.createdSeconds / run.insertSeconds),
    tasksCompletedPerSecond: TASKS / of((run) => run.completedSeconds),
    tasksCompletedRatio: of((run) => run.completedSeconds / run.workSeconds),
    tasksAnnouncedRatio: of((run) => run.announcedSeconds / run.completedSeconds),
  };
  return {
    figures,
    lines: [
      [`${TASKS.toLocaleString("en")} tasks created a second`, whole(figures.tasksCreatedPerSecond), ""],
      ["ratio to pg-boss's insert", times(figures.tasksCreatedRatio), ""],
      ["tasks that do nothing completed a second", whole(figures.tasksCompletedPerSecond), ""],
      ["ratio to pg-boss's work", times(figures.tasksCompletedRatio), ""],
      ["ratio of the time with notifications", times(figures.tasksAnnouncedRatio), ""],
    ],
  };
}

async function measureTasks(databaseUrl: string, count: number): Promise<MeasuredTasks> {
  const queue = await measureQueue(databaseUrl, count);
  const silent = await measureRowmillTasks(databaseUrl, count, false);
  const announced = await measureRowmillTasks(databaseUrl, count, true);
  return { ...queue, ...silent, announcedSeconds: announced.completedSeconds };
}

/** One job at a time as tasks are, each place looking for its next at once instead of waiting out its polling interval. */
async function measureQueue(databaseUrl: string, count: number) {
  const boss = new PgBoss({ connectionString: databaseUrl, supervise: false, useListenNotify: true });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  try {
    await boss.createQueue(QUEUE, { notify: true });
    const startedAt = performance.now();
    const jobs = Array.from({ length: count }, (_, index) => ({ data: { index } }));
    await boss.insert(QUEUE, jobs);
    const insertSeconds = (performance.now() - startedAt) / 1000;
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
    return { insertSeconds, workSeconds: (performance.now() - takenAt) / 1000 };
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
    const startedAt = performance.now();
    const response = await fetch(`${url}/api/v1/tasks/bulk`, {
      method: "POST",
      body,
      headers,
    });
    const answer = await response.text();
    if (response.status !== 201) throw new Error(`The tasks were refused: ${answer.slice(0, 1000)}`);
    const createdSeconds = (performance.now() - startedAt) / 1000;
    worker.kill("SIGCONT");
    const takenAt = performance.now();
    const readStats = () => readStatus<{ completed: number }>(`${url}/api/v1/tasks/stats`, { authorization });
    while ((await readStats()).completed < count) await sleep(POLL_MS);
    return { createdSeconds, completedSeconds: (performance.now() - takenAt) / 1000 };
  } finally {
    await stopPrograms(...programs);
  }
}
