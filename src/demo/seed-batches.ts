/** Creates batches in every state through the API. */
import { openAsBlob } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { BatchView } from "../batches/views.ts";
import type { BatchState } from "../schema/batches.ts";
import type { ApiClient } from "./api-client.ts";
import { SAMPLE } from "./run-demo.ts";

/** The API never shows `deleting`, and `receiving` needs an upload that never ends (interrupted-upload.ts). */
type SeededState = Exclude<BatchState, "deleting" | "receiving">;

/** Needs a running worker. A returned function completes the batch, and must be called after the worker has stopped. */
type Recipe = (api: ApiClient, name: string) => Promise<BatchView | (() => Promise<BatchView>)>;

const recipes: Readonly<Record<SeededState, Recipe>> = {
  completed: async (api, name) => finished(api, await upload(api, name)),
  completed_with_errors: async (api) => finished(api, await send(api, "books.csv", await openAsBlob(SAMPLE))),
  /** One row without an author fails the whole atomic batch. */
  failed: async (api, name) => {
    return finished(api, await upload(api, name, { policy: "atomic" }, `${csv(name, 20)}No author,\n`));
  },
  validated: async (api, name) => finished(api, await upload(api, name, { dry_run: "true" })),
  paused: async (api, name) => act(api, await started(api, name), "pause"),
  cancelled: async (api, name) => act(api, await started(api, name), "cancel"),
  undone: async (api, name) => {
    const { id } = await act(api, await finished(api, await upload(api, name)), "undo");
    return until(api, id, ({ state }) => state === "undone");
  },
  /** Its only chunk takes ten minutes, and one slot of a worker. */
  processing: async (api, name) => {
    const { id } = await upload(api, name, { row_delay_ms: "600000" }, csv(name, 20));
    return until(api, id, ({ state }) => state === "processing");
  },
  undoing: async (api, name) => {
    const batch = await finished(api, await upload(api, name));
    return () => act(api, batch, "undo");
  },
  queued: async (api, name) => () => upload(api, name),
};

export interface Seeded {
  readonly created: string[];
  /** Completes the remaining batches. Call it after the worker has stopped. */
  readonly complete: () => Promise<string[]>;
}

/** Creates a batch in each state that `existing` lacks. */
export async function seedBatches(api: ApiClient, existing: ReadonlySet<string>): Promise<Seeded> {
  const created: string[] = [];
  const rest = new Map<string, () => Promise<BatchView>>();
  for (const [state, recipe] of Object.entries(recipes)) {
    if (existing.has(state)) continue;
    const result = await recipe(api, state);
    if (typeof result === "function") rest.set(state, result);
    else created.push(state);
  }
  return {
    created,
    async complete() {
      for (const complete of rest.values()) await complete();
      return [...rest.keys()];
    },
  };
}

export function csv(name: string, rows: number): string {
  const lines = Array.from({ length: rows }, (_, n) => `${name} ${n + 1},Author ${(n % 7) + 1}`);
  return `title,author\n${lines.join("\n")}\n`;
}

function upload(
  api: ApiClient,
  name: string,
  options: Record<string, string> = {},
  content = csv(name, 40),
): Promise<BatchView> {
  return send(api, `${name}.csv`, new Blob([content]), options);
}

/** `append` and `force` allow a second run to upload the same rows again. */
function send(api: ApiClient, filename: string, file: Blob, options = {}): Promise<BatchView> {
  const query = new URLSearchParams({
    target: "books",
    mode: "append",
    force: "true",
    row_delay_ms: "0",
    ...options,
  });
  return api.upload<BatchView>(`/api/v1/batches?${query}`, file, filename);
}

/** A slow batch that has processed its first rows. */
async function started(api: ApiClient, name: string): Promise<BatchView> {
  const { id } = await upload(api, name, { rows_per_second: "1" }, csv(name, 60));
  return until(api, id, ({ counts }) => counts.success > 0);
}

function finished(api: ApiClient, { id }: BatchView): Promise<BatchView> {
  return until(api, id, (batch) => batch.finished_at !== null);
}

function act(api: ApiClient, { id }: BatchView, action: "pause" | "cancel" | "undo"): Promise<BatchView> {
  return api.post<BatchView>(`/api/v1/batches/${id}/${action}`);
}

async function until(
  api: ApiClient,
  id: string,
  isReached: (batch: BatchView) => boolean,
): Promise<BatchView> {
  for (;;) {
    const batch = await api.get<BatchView>(`/api/v1/batches/${id}`);
    if (isReached(batch)) return batch;
    await sleep(100);
  }
}
