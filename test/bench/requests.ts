/** Requests per second with and without the request log, on the same database, in turns. */
import { setTimeout as sleep } from "node:timers/promises";
import { readStatus, signUp, startPrograms, stopPrograms } from "./rowmill.ts";
import { median } from "./table.ts";

const CLIENTS = 16;
const WARM_UP_MS = 1000;
const MEASURED_MS = 4000;
const ROUNDS = 3;

export interface MeasuredRequests {
  readonly withLog: number;
  readonly withoutLog: number;
  /** Of each round, because the speed of a machine drifts: its median. */
  readonly ratio: number;
}

/** @returns the medians of rounds */
export async function measureRequests(databaseUrl: string): Promise<MeasuredRequests> {
  const rates: Record<"on" | "off", number[]> = { on: [], off: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const setting of ["off", "on"] as const)
      rates[setting].push(await requestsPerSecond(databaseUrl, setting));
  }
  const ratios = rates.on.map((rate, round) => rate / (rates.off[round] ?? Number.NaN));
  return { withLog: median(rates.on), withoutLog: median(rates.off), ratio: median(ratios) };
}

async function requestsPerSecond(databaseUrl: string, setting: "on" | "off"): Promise<number> {
  const { url, programs } = await startPrograms(databaseUrl, { REQUEST_LOG: setting });
  try {
    const headers = { authorization: `Bearer ${await signUp(url)}` };
    const progress = { requests: 0, isOver: false };
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!progress.isOver) {
        await readStatus(`${url}/api/v1/auth/me`, headers);
        progress.requests++;
      }
    });
    await sleep(WARM_UP_MS);
    const [before, startedAt] = [progress.requests, performance.now()];
    await sleep(MEASURED_MS);
    const rate = (progress.requests - before) / ((performance.now() - startedAt) / 1000);
    progress.isOver = true;
    await Promise.all(clients);
    return rate;
  } finally {
    await stopPrograms(...programs);
  }
}
