/** Filters that no index serves together look at a bounded part of a list per page, and their cursors lead to every task. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { countRowsOfAll, recordReads, type Statement } from "../support/explained-reads.ts";
import { cursor } from "../support/large/filters.ts";
import { STATISTICS } from "../support/plans.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

/** The tasks that one page looks at, of each kind and status. */
const WINDOW = 10_000;
/** The tasks of a tag that are looked at to know whether few have it, once in its index and once in the table. */
const FEW = 15_000;
const OF_A_KIND = 30_000;
const WAITING = 15_000;

interface Page {
  readonly items: readonly { readonly number: number }[];
  readonly next_cursor: string | null;
  readonly searched_to?: string;
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

describe.for(STATISTICS)("with %s statistics", (statistics) => {
  const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
  const owner = useUser(rowmill);
  const other = useUser(rowmill);
  const admin = useAdmin(rowmill);
  let statements: Statement[];

  beforeAll(async () => {
    const { pool } = rowmill.ctx;
    await pool.query("ALTER TABLE rowmill.tasks SET (autovacuum_enabled = off)");
    if (statistics === "stale") await pool.query("ANALYZE rowmill.tasks");
    const add = (userId: number, count: number, start: string, columns: Readonly<Record<string, string>>) =>
      pool.query(
        `INSERT INTO rowmill.tasks (id, user_id, type, queue, title, status, params, max_retries, job_id, metadata, created_at, completed_at, tags)
         SELECT gen_random_uuid(), $1, ${columns.type}, 'default', 'Task', '${columns.status}', '{}', 3, gen_random_uuid(), '{}', moment, ${columns.end}, ${columns.tags}
         FROM (SELECT n, now() - $3::interval + n * interval '0.02 seconds' AS moment FROM generate_series(1, $2::int) AS n) AS item ORDER BY n`,
        [userId, count, start],
      );
    // Many pictures and many even tasks, of which the oldest three are both. They ended a minute ago, the others long ago.
    await add(owner.userId, 2 * OF_A_KIND, "10 hours", {
      type: "CASE WHEN n < 4 OR n % 2 = 1 THEN 'image' ELSE 'generic' END",
      status: "completed",
      end: "CASE WHEN n < 4 THEN now() - interval '1 minute' ELSE moment END",
      tags: "CASE WHEN n < 4 OR n % 2 = 0 THEN '{even}' WHEN n <= 4000 THEN '{old}' ELSE '{}' END::text[]",
    });
    // More tasks of another user ended at this time than are sorted.
    await add(other.userId, 6000, "2 hours", {
      type: "'generic'",
      status: "completed",
      end: "now() - interval '1 minute'",
      tags: "'{}'",
    });
    await add(other.userId, WAITING, "1 hour", {
      type: "'generic'",
      status: "pending",
      end: "NULL::timestamptz",
      tags: "'{}'",
    });
    // Entries that are still pending are all read.
    await pool.query("SELECT gin_clean_pending_list('rowmill.tasks_tags')");
    // So are pages that are in no summary yet. Autovacuum makes one when it comes to it.
    await pool.query("SELECT brin_summarize_new_values('rowmill.tasks_type')");
    if (statistics === "fresh") await pool.query("ANALYZE rowmill.tasks");
    statements = recordReads(rowmill);
  });

  /** The rows that the statement reads which reads most. */
  const mostRows = async () => {
    const counted = await countRowsOfAll(rowmill.ctx.pool, statements);
    return Math.max(...counted.map(({ rows }) => rows));
  };

  /** The tasks of all pages, and the most rows that a statement of the first page reads. */
  async function readAll(client: Client, path: string) {
    const numbers: number[] = [];
    let rows = 0;
    for (let next: string | null = ""; next !== null; ) {
      statements.length = 0;
      const { status, body }: { status: number; body: Page } = await client.get(
        `${path}${next && `&cursor=${next}`}`,
      );
      expect(status).toBe(200);
      if (next === "") rows = await mostRows();
      numbers.push(...body.items.map(({ number }) => number));
      next = body.next_cursor;
    }
    return { numbers, rows };
  }

  test.for([
    ["owner", "tasks?type=image&tag=even", 1],
    ["owner", `tasks?ended_from=${minutesAgo(10)}`, 2],
    ["owner", `tasks?type=image&ended_from=${minutesAgo(10)}`, 1],
    ["owner", `tasks?status=completed&tag=even&type=image&ended_from=${minutesAgo(10)}`, 1],
    ["admin", "admin/tasks?type=image&tag=even", 2],
    ["admin", "admin/tasks?type=image&tag=even&status=completed", 2],
  ] as const)("%s %s finds every task and looks at a part per page", async ([who, path, kinds]) => {
    const { numbers, rows } = await readAll(who === "admin" ? admin : owner, `/api/v1/${path}`);
    const { rows: expected } = await rowmill.ctx.pool.query<{ number: string }>(
      "SELECT number FROM rowmill.tasks WHERE user_id = $1 ORDER BY number LIMIT 3",
      [owner.userId],
    );
    expect(numbers).toEqual(expected.map(({ number }) => Number(number)).reverse());
    expect(rows).toBeLessThanOrEqual(Math.max(FEW, kinds * (WINDOW + 1) + 100));
  });

  test("a tag that only 2,000 old tasks have fills the first page", async () => {
    statements.length = 0;
    const { body } = await owner.get<Page>("/api/v1/tasks?tag=old&limit=50");
    expect(body.items).toHaveLength(50);
    expect(body.searched_to).toBeUndefined();
    expect(await mostRows()).toBeLessThanOrEqual(WINDOW + 1);
  });

  test("a list of ended tasks of all users does not pass the open ones", async () => {
    const { rows: newest } = await rowmill.ctx.pool.query(
      "SELECT number FROM rowmill.tasks WHERE status = 'completed' ORDER BY number DESC LIMIT 1",
    );
    statements.length = 0;
    const { body } = await admin.get<Page>("/api/v1/admin/tasks?status=completed&limit=10");
    expect(body.items).toHaveLength(10);
    expect(body.items[0]?.number).toBe(Number(newest[0].number));
    expect(await mostRows()).toBeLessThanOrEqual(WINDOW + 1);
  });

  test("a cursor below all tasks with a status looks at a part of the others", async () => {
    const { rows: middle } = await rowmill.ctx.pool.query(
      "SELECT number FROM rowmill.tasks WHERE user_id = $1 ORDER BY number OFFSET 50000 LIMIT 1",
      [owner.userId],
    );
    statements.length = 0;
    const { body } = await admin.get<Page>(`/api/v1/admin/tasks?status=pending&${cursor(middle[0].number)}`);
    expect(body).toMatchObject({ items: [], searched_to: expect.any(String) });
    expect(await mostRows()).toBeLessThanOrEqual(WINDOW + 1);
  });

  test("counts of a frequent tag look at the newest tasks, and those of a rare tag at all", async () => {
    statements.length = 0;
    const { body } = await owner.get("/api/v1/tasks/stats?tag=even&type=image");
    expect(body).toMatchObject({ total: 0, is_lower_bound: true });
    // Without statistics, PostgreSQL sorts all tasks of a kind for its count.
    if (statistics === "fresh") expect(await mostRows()).toBeLessThanOrEqual(2 * (WINDOW + 1) + 100);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.tasks SET tags = '{rare}' WHERE number = (SELECT min(number) FROM rowmill.tasks WHERE user_id = $1)",
      [owner.userId],
    );
    expect((await owner.get("/api/v1/tasks/stats?tag=rare")).body).toEqual({
      total: 1,
      pending: 0,
      processing: 0,
      completed: 1,
      failed: 0,
      cancelled: 0,
    });
    expect((await owner.get<Page>("/api/v1/tasks?tag=rare")).body.items).toHaveLength(1);
  });

  test("a task that was created while the clock was wrong hides no others", async () => {
    const { rows: newest } = await rowmill.ctx.pool.query(
      "SELECT number FROM rowmill.tasks WHERE status = 'completed' ORDER BY number DESC LIMIT 1",
    );
    await rowmill.ctx.pool.query(
      `UPDATE rowmill.tasks SET status = 'processing', completed_at = NULL, created_at = now() + interval '1 year'
       WHERE number = (SELECT min(number) FROM rowmill.tasks)`,
    );
    const { body } = await admin.get<Page>("/api/v1/admin/tasks?status=completed&limit=10");
    expect(body.items).toHaveLength(10);
    expect(body.items[0]?.number).toBe(Number(newest[0].number));
  });
});
