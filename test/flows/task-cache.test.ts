/** Two API processes, each with a cache of its own. */
import { expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

const ROUNDS = 300;
/** A change that arrives later is late. Without a message between the processes, an entry is kept for five minutes. */
const MOMENT_MS = 1000;
const LATE_SHARE = 0.25;

interface Answer {
  readonly task: { readonly status: string };
  readonly cached: boolean;
}

test("a change is visible at once in its own process and within moments in another", async () => {
  await using rowmill = await startPrograms();
  const [one, other] = [await rowmill.startApi(), await rowmill.startApi()];
  const writer = await one.client.signUp("reader");
  const reader = other.clientOf(writer);
  const { body: made } = await writer.post<{ task: { id: number } }>("/api/tasks/tasks/", { title: "Again" });
  const path = `/api/tasks/${made.task.id}/`;
  const look = (client: Client) => client.get<Answer>(path);
  const kept = (client: Client) => until("it is cached", async () => (await look(client)).body.cached);
  const edges = [
    ["cancel", "CANCELLED"],
    ["retry", "PENDING"],
  ] as const;

  const heardMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([kept(writer), kept(reader)]);
    const [verb, status] = edges[round % edges.length] ?? edges[0];
    expect((await writer.post(`${path}${verb}/`, {})).status).toBe(200);
    const changedAt = performance.now();
    expect((await look(writer)).body).toMatchObject({ task: { status } });
    await until("the other process tells the same", async () => {
      const askedAt = performance.now();
      const { body } = await look(reader);
      if (body.task.status !== status) return false;
      return heardMs.push(askedAt - changedAt);
    });
  }
  expect(heardMs.filter((ms) => ms > MOMENT_MS).length).toBeLessThan(ROUNDS * LATE_SHARE);

  await Promise.all([kept(writer), kept(reader)]);
  expect((await writer.delete(path)).status).toBe(200);
  expect((await look(writer)).status).toBe(404);
  await until("the other process has none either", async () => (await look(reader)).status === 404);
});
