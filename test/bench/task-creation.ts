/**
 * Thousands of tasks in one request, beside as many jobs in one insert of pg-boss. The jobs have what workers and clients of the
 * tasks need as well: the type with its parameters, the priority, and the user as the group; and the insert returns their ids.
 */
import { PgBoss } from "pg-boss";
import { DEFAULT_PRIORITY } from "../../src/schema/tasks.ts";
import { signUp, startPrograms, stopPrograms } from "./rowmill.ts";
import { median } from "./table.ts";

/** The first three run before the programs are warm. */
const REQUESTS = 8;
const QUEUE = "floor";

export interface MeasuredCreation {
  readonly createdSeconds: number;
  /** pg-boss alone. */
  readonly insertSeconds: number;
}

/** @returns the medians of several requests and inserts, in turns, because the speed of a machine drifts */
export async function measureCreation(databaseUrl: string, count: number): Promise<MeasuredCreation> {
  const { url, programs } = await startPrograms(databaseUrl);
  const [, worker] = programs;
  const boss = new PgBoss({ connectionString: databaseUrl, supervise: false, useListenNotify: true });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  const created: number[] = [];
  const inserted: number[] = [];
  try {
    await boss.createQueue(QUEUE, { notify: true });
    const headers = { authorization: `Bearer ${await signUp(url)}`, "content-type": "application/json" };
    const tasks = Array.from({ length: count }, () => ({ type: "generic", params: { seconds: 0 } }));
    const body = JSON.stringify({ tasks });
    const jobs = tasks.map((data) => ({ data, priority: DEFAULT_PRIORITY, group: { id: "1" } }));
    worker.kill("SIGSTOP");
    for (let i = 0; i < REQUESTS; i++) {
      inserted.push(await secondsOf(() => boss.insert(QUEUE, jobs, { returnId: true })));
      created.push(
        await secondsOf(async () => {
          const response = await fetch(`${url}/api/v1/tasks/bulk`, { method: "POST", body, headers });
          const answer = await response.text();
          if (response.status !== 201) throw new Error(`The tasks were refused: ${answer.slice(0, 1000)}`);
        }),
      );
    }
    return { createdSeconds: median(created), insertSeconds: median(inserted) };
  } finally {
    worker.kill("SIGKILL");
    await stopPrograms(programs[0]);
    await boss.stop();
    await boss.deleteQueue(QUEUE).catch(() => {}); // stop() may have closed its pool already
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}
