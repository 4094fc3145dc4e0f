/** The time from the creation of a task to its end, on a service that does nothing else. */
import { setTimeout as sleep } from "node:timers/promises";
import { readStatus, signUp, startPrograms, stopPrograms } from "./rowmill.ts";
import { median } from "./table.ts";

const TASKS = 60;
const WARM_UP = 10;
const PAUSE_MS = 100;

export interface MeasuredLatency {
  readonly medianMs: number;
  readonly p95Ms: number;
}

interface Times {
  readonly id: string;
  readonly created_at: string;
  readonly completed_at: string | null;
}

/** By the clock of the database: how often this client looks does not count. */
export async function measureLatency(databaseUrl: string): Promise<MeasuredLatency> {
  const { url, programs } = await startPrograms(databaseUrl);
  try {
    const authorization = `Bearer ${await signUp(url)}`;
    const headers = { authorization, "content-type": "application/json" };
    const body = JSON.stringify({ type: "generic", params: { seconds: 0 } });
    const times: number[] = [];
    for (let i = 0; i < WARM_UP + TASKS; i++) {
      const answer = await fetch(`${url}/api/v1/tasks`, { method: "POST", body, headers });
      let task = (await answer.json()) as Times;
      if (answer.status !== 201) throw new Error(`The task was refused: ${JSON.stringify(task)}`);
      while (!task.completed_at) {
        await sleep(PAUSE_MS);
        task = await readStatus<Times>(`${url}/api/v1/tasks/${task.id}`, { authorization });
      }
      if (i >= WARM_UP) times.push(Date.parse(task.completed_at) - Date.parse(task.created_at));
    }
    times.sort((one, other) => one - other);
    return { medianMs: median(times), p95Ms: times[Math.ceil(0.95 * times.length) - 1] ?? Number.NaN };
  } finally {
    await stopPrograms(...programs);
  }
}
