/**
 * No list reads many more rows than its page has, whatever its filter finds and whatever the planner knows. A new filter of a list
 * fails here until `listQueries` has it, and then until it has an index, or a reason in `READS_MORE`.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { countRowsOfAll, recordReads, type Statement } from "../support/explained-reads.ts";
import { fillForOwner } from "../support/large/fill.ts";
import { listQueries } from "../support/large/queries.ts";
import { createOfflineApp } from "../support/offline-app.ts";
import { STATISTICS } from "../support/plans.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const SIZES = { tasks: 40_000, batches: 10_000, others: 8000 };

/** A page of 100 items, merged from the statuses and types of an owner. */
const MAX_ROWS = 2500;

/** The most rows of statements that count up to a limit, by the reason. */
const COUNTS: Readonly<Record<string, readonly [path: RegExp, rows: number]>> = {
  "The newest 10,000 tasks of each type, queue and status are looked at for those that ended in a time.": [
    /\/tasks\?(.*&)?ended_(from|to)=/,
    15_000,
  ],
  "Up to 10,000 tasks of all users with the statuses are counted first.": [
    /\/admin\/tasks\?(.*&)?status=/,
    10_001,
  ],
  "The newest 10,000 tasks of each type, queue and status are counted.": [
    /\/tasks\/stats\?(?!status=\w+$)./,
    15_000,
  ],
};
const maxRowsOf = (path: string) =>
  Object.values(COUNTS).find(([pattern]) => pattern.test(path))?.[1] ?? MAX_ROWS;

const OF_PAGES = new Set(["cursor", "limit", "page", "page_size", "before_id"]);

/** Routes with parameters that are neither lists nor counts: they stream, or look up one thing. */
const NO_LISTS = /events$|\/confirm-email$|\/unsubscribe$|\/definition$|\/results\/|^\/task-status$/;

/** The lists that can read more, by the reason. */
const READS_MORE: Readonly<Record<string, RegExp>> = {
  "A count reads what it counts.":
    /\/tasks\/stats\?(status=[^&]+|exact=true)?$|\/me\/usage|^\/api\/(admin\/)?tasks(?!.*_date=)/,
  "No index finds words.": /[?&](search|q|name)=/,
  "The newest 10,000 tasks are searched first.": /[?&]tag=|\/admin\/tasks\?(.*&)?(type|queue)=/,
  "A group or workflow has up to 10,000 tasks.": /[?&](group_id|workflow_id)=/,
  "Up to 50,000 batches of an owner are read in less than 50 ms.": /\/batches\?(.*&)?(state|target)=/,
  "The newest 10,000 workflows of all users are searched for a kind.": /\/admin\/workflows\?(.*&)?kind=/,
  "10,000 failed rows are searched for a cause.": /\/rows\?(.*&)?error_code=/,
  "The answer counts the errors of the batch, or is read to its end.":
    /\/errors\?|\/results\/|^\/batch-status|\/export/,
  "Books can be sorted by title, and have no index for it.": /\/books\?sort=-?title/,
  "The owners of books and records have no statistics, so PostgreSQL sorts what may be 200 pages.":
    /\/(books|records)\?/,
  "A report per day exists.": /\/reports\?/,
  "One line per minute and queue is kept for eight days.": /\/admin\/statistics\?/,
};

/** PostgreSQL sorts what it thinks is little. Only the lists of an owner that are merged from kinds are safe from that. */
const isSafeWithoutStatistics = (who: string, path: string) =>
  who === "owner" &&
  /^\/api\/v1\/(tasks(\/stats)?\?|workflows\?(kind|state)=)/.test(path) &&
  !/ended_(from|to)/.test(path);

describe.for(STATISTICS)("with %s statistics", (statistics) => {
  const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
  const owner = useUser(rowmill, "owner");
  const other = useUser(rowmill, "other");
  const admin = useAdmin(rowmill);
  let statements: Statement[];

  beforeAll(async () => {
    const { pool } = rowmill.ctx;
    const { rows } = await pool.query<{ name: string }>(
      "SELECT format('rowmill.%I', relname) AS name FROM pg_class WHERE relnamespace = 'rowmill'::regnamespace AND relkind = 'r'",
    );
    for (const { name } of rows) await pool.query(`ALTER TABLE ${name} SET (autovacuum_enabled = off)`);
    if (statistics === "stale") await pool.query("ANALYZE");
    await fillForOwner(pool, { owner: owner.userId, other: other.userId }, SIZES);
    if (statistics === "fresh") await pool.query("ANALYZE");
    statements = recordReads(rowmill);
  });

  test("lists read few rows", async () => {
    const clients: Record<string, Client> = { owner, other, admin };
    const ids = { owner: owner.userId, other: other.userId, admin: admin.userId };
    const excess: string[] = [];
    const needed = new Set<string>();
    const unseen: string[] = [];
    for (const { who, route, query } of listQueries(ids)) {
      const path = `${route}?${query}`;
      statements.length = 0;
      const { status } = (await clients[who]?.get(path)) ?? { status: 0 };
      expect(`${path} ${status}`).toBe(`${path} 200`);
      if (statements.length === 0) unseen.push(path);
      const reason = Object.keys(READS_MORE).find((text) => READS_MORE[text]?.test(path));
      if (statistics !== "fresh" && (reason || !isSafeWithoutStatistics(who, path))) continue;
      for (const { rows, scans } of await countRowsOfAll(rowmill.ctx.pool, statements)) {
        if (rows <= maxRowsOf(path)) continue;
        if (reason) needed.add(reason);
        else excess.push(`${who} ${path}: ${scans.join(", ")}`);
      }
    }
    expect(excess).toEqual([]);
    expect(unseen).toEqual([]);
    if (statistics === "fresh") expect([...needed].sort()).toEqual(Object.keys(READS_MORE).sort());
  });
});

test("every filter of every list is measured", async () => {
  const app = await createOfflineApp();
  const { paths = {} } = app.swagger();
  await app.close();
  const measured = listQueries({ owner: 1, other: 2, admin: 3 });
  const missing = Object.entries(paths).flatMap(([path, { get }]) => {
    if (NO_LISTS.test(path)) return [];
    const pattern = new RegExp(`^${path.replace(/\/$/, "").replace(/\{[^}]+\}/g, "[^/]+")}$`);
    const queries = measured.filter(({ route }) => pattern.test(route)).map(({ query }) => query);
    const parameters: readonly { readonly in?: string; readonly name?: string }[] = get?.parameters ?? [];
    const filters = parameters.flatMap(({ in: place, name }) => (place === "query" && name ? [name] : []));
    return filters
      .filter((name) => !OF_PAGES.has(name) && !queries.some((query) => new URLSearchParams(query).has(name)))
      .map((name) => `${path} ${name}`);
  });
  expect(missing).toEqual([]);
});
