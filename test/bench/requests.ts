/** Requests per second with and without the request log, on the same database, in turns. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, type Part, times, whole } from "./bench.ts";
import { readStatus, signUp, startPrograms, stopPrograms } from "./rowmill.ts";
import { median } from "./table.ts";

const CLIENTS = 16;
const WARM_UP_MS = 1000;
const MEASURED_MS = 4000;
const ROUNDS = 3;

/** Of each round the ratio, because the speed of a machine drifts: its median, and the medians of the rates. */
export async function requestsPart({ databaseUrl }: Bench): Promise<Part> {
  const rates: Record<"on" | "off", number[]> = { on: [], off: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const setting of ["off", "on"] as const)
      rates[setting].push(await requestsPerSecond(databaseUrl, setting));
  }
  const ratios = rates.on.map((rate, round) => rate / (rates.off[round] ?? Number.NaN));
  const figures = {
    requestsPerSecond: median(rates.on),
    requestsPerSecondWithoutLog: median(rates.off),
    requestsRatio: median(ratios),
  };
  return {
    figures,
    lines: [
      ["requests a second, with the request log", whole(figures.requestsPerSecond), ""],
      ["requests a second, REQUEST_LOG=off", whole(figures.requestsPerSecondWithoutLog), ""],
      ["ratio with the request log to without", times(figures.requestsRatio), ""],
    ],
  };
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
