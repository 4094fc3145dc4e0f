/** A search looks at a bounded part of a list per page, and its cursors lead to every match. */
import { expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { fillForOwner } from "../support/large/fill.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
const owner = useUser(rowmill, "owner");
const other = useUser(rowmill, "other");
const admin = useAdmin(rowmill);

interface Page {
  readonly items: readonly { readonly id: string | number }[];
  readonly next_cursor: string | null;
  readonly searched_to?: string;
}

async function pagesOf(client: Client, path: string): Promise<Page[]> {
  const pages: Page[] = [];
  for (let cursor: string | null = ""; cursor !== null; cursor = pages.at(-1)?.next_cursor ?? null) {
    const { status, body } = await client.get<Page>(`${path}${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    pages.push(body);
  }
  return pages;
}

test("a search finds each match once, over several pages", async () => {
  await fillForOwner(
    rowmill.ctx.pool,
    { owner: owner.userId, other: other.userId },
    { tasks: 25_000, batches: 100, others: 25_000 },
  );
  // The tasks and workflows with this name are the oldest, the books and accounts the first.
  for (const [client, path, matches] of [
    [owner, "/api/v1/tasks?search=needle", 3],
    [owner, "/api/v1/tasks?search=needle&status=failed", 3],
    [owner, "/api/v1/tasks?search=needle&tag=rare", 3],
    [admin, "/api/v1/admin/tasks?search=needle&type=document", 3],
    [owner, "/api/v1/workflows?name=needle", 4],
    [admin, "/api/v1/admin/workflows?name=needle", 7],
    [owner, "/api/v1/books?search=needle&sort=-id", 3],
    [owner, "/api/v1/books?search=needle", 3],
    [admin, "/api/v1/accounts?search=member-77", 11],
  ] as const) {
    const pages = await pagesOf(client, path);
    const ids = pages.flatMap(({ items }) => items.map(({ id }) => id));
    expect(`${path} ${ids.length}`).toBe(`${path} ${matches}`);
    expect(new Set(ids).size).toBe(ids.length);
    for (const page of pages.filter(({ items }) => items.length === 0 && pages.length > 1))
      expect(page.searched_to !== undefined || page.next_cursor === null).toBe(true);
  }
  expect((await pagesOf(owner, "/api/v1/tasks?search=needle")).length).toBe(3);
  expect((await pagesOf(owner, "/api/v1/tasks?search=needle&status=failed")).length).toBe(1);
});

test("a page of long texts looks at fewer items", async () => {
  await rowmill.ctx.pool.query(
    "UPDATE rowmill.tasks SET description = repeat('x', 10000) WHERE user_id = $1 AND number > (SELECT max(number) - 1000 FROM rowmill.tasks)",
    [owner.userId],
  );
  expect((await pagesOf(owner, "/api/v1/tasks?search=needle")).length).toBe(5);
});
