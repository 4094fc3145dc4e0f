/** Batches to be listed and paged through, and a worker that ends before its statistics are read. */
import { expect } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { openContext } from "../../src/open-context.ts";
import { createLog } from "../../src/platform/log.ts";
import { takeJobs } from "../../src/take-jobs.ts";
import type { Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";
import { until } from "./until.ts";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export const HEADER = "title,author,description\n";

/** Every tenth row lacks its author. */
export const books = (count: number) =>
  Array.from({ length: count }, (_, index) => `Title ${index},${index % 10 === 9 ? "" : "Author"},\n`).join(
    "",
  );

export async function uploaded(user: Client, content: string): Promise<string> {
  const { status, body } = await user.upload(content);
  expect(status).toBe(202);
  return body.id;
}

/** All items through pages of `limit`, each page as long as it may be. */
export async function paged<T>(user: Client, path: string, limit: number): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`;
    const { status, body }: { status: number; body: Page<T> } = await user.get(
      `${path}${path.includes("?") ? "&" : "?"}${query}`,
    );
    expect(status).toBe(200);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    if (body.next_cursor) expect(body.items).toHaveLength(limit);
    items.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor);
  return items;
}

/** Has a worker do all there is to do, and waits for its end: only then has the server all that it read. */
export async function work(rowmill: Rowmill, user: Client, ...batchIds: string[]): Promise<BatchView[]> {
  const worker = await openContext(rowmill.config, createLog(rowmill.config, "test-worker"), "work");
  try {
    await takeJobs(worker);
    return await Promise.all(batchIds.map((id) => user.finished(id)));
  } finally {
    await worker.close(5000);
    await until("the worker's connections are gone", async () => {
      const { rows } = await rowmill.ctx.pool.query<{ name: string; connections: number }>(
        `SELECT application_name AS name, count(*)::int AS connections FROM pg_stat_activity
         WHERE datname = current_database() AND application_name IN ('rowmill', 'rowmill-work') GROUP BY 1`,
      );
      const { pool, reads } = rowmill.ctx;
      const own = pool.totalCount + reads.pool.totalCount;
      return rows.every(({ name, connections }) => connections === (name === "rowmill" ? own : 0));
    });
  }
}
