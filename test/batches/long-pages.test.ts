import { expect, test } from "vitest";
import type { RowDetail, RowView } from "../../src/batches/row-views.ts";
import type { Client } from "../support/client.ts";
import { COLUMNS, longBatches, longHistory } from "../support/long-data.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

interface Page<Item> {
  readonly items: Item[];
  readonly next_cursor: string | null;
}

const MB = 2 ** 20;

/** Without the check against the OpenAPI document, which takes seconds for an answer of this length. */
async function get<T>({ url, token }: Client, path: string): Promise<T> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  return (await answer.json()) as T;
}

test.each([
  ["of 300 KB end early", 300_000, 3],
  ["that are longer than a page are pages of their own", 3 * MB, 1],
])("pages of rows %s and lose no row", async (_, cellBytes, perPage) => {
  const user = await rowmill.newUser();
  const shape = { target: "books", columns: 2, rows: 7, cellBytes } as const;
  const [batch] = await longBatches(rowmill.ctx.pool, user.userId, 1, shape);
  const pages: number[][] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const path: string = `/api/v1/batches/${batch?.id}/rows?limit=1000${cursor && `&cursor=${cursor}`}`;
    const body: Page<RowView> = await get<Page<RowView>>(user, path);
    pages.push(body.items.map(({ row }) => row));
    cursor = body.next_cursor;
  }
  expect(pages.flat()).toEqual([2, 3, 4, 5, 6, 7, 8]);
  expect(pages.map(({ length }) => length).slice(0, -1)).toEqual(pages.slice(1).map(() => perPage));
});

test("the names of a thousand columns count towards each row of a page", async () => {
  const user = await rowmill.newUser();
  const shape = { target: "books", columns: COLUMNS, rows: 4, cellBytes: 0 } as const;
  const [batch] = await longBatches(rowmill.ctx.pool, user.userId, 1, shape);
  const body = await get<Page<RowView>>(user, `/api/v1/batches/${batch?.id}/rows?limit=1000`);
  expect(body.items).toHaveLength(1);
  expect(body.next_cursor).not.toBeNull();
});

test("a row shows the latest part of a long history, and the list of its history has all of it", async () => {
  const user = await rowmill.newUser();
  const shape = { target: "books", columns: 2, rows: 1, cellBytes: 0 } as const;
  const [batch] = await longBatches(rowmill.ctx.pool, user.userId, 1, shape);
  await longHistory(rowmill.ctx.pool, user.userId, batch?.id ?? "", 8, 300_000);
  const path = `/api/v1/batches/${batch?.id}/rows/2`;
  const numbers = (entries: readonly RowDetail["history"][number][]) =>
    entries.map((entry) => (entry.event === "edited" ? Object.values(entry.fields)[1] : null));
  const detail = await get<RowDetail>(user, path);
  expect([numbers(detail.history), detail.history_truncated]).toEqual([["6", "7", "8"], true]);
  const seen: unknown[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const list: string = `${path}/history?limit=1000${cursor && `&cursor=${cursor}`}`;
    const body: Page<RowDetail["history"][number]> = await get<Page<RowDetail["history"][number]>>(
      user,
      list,
    );
    seen.push(...numbers(body.items));
    cursor = body.next_cursor;
  }
  expect(seen).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
});
