/** Counts of tasks stop at a limit and say so. */
import { beforeAll, expect, test } from "vitest";
import { countUpTo } from "../../src/tasks/count-tasks.ts";
import type { TaskFilter } from "../../src/tasks/queries.ts";
import { addEndedTasks, short } from "../support/ended-tasks.ts";
import { countRowsOfAll, recordReads } from "../support/explained-reads.ts";
import { makeTask } from "../support/task-client.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
const owner = useUser(rowmill, "owner");
const TASKS = 12_000;
const ZEROS = { pending: 0, processing: 0, completed: 0, failed: 0, cancelled: 0 };
const ALL = { ...ZEROS, pending: 1, completed: TASKS };

beforeAll(async () => {
  const { pool } = rowmill.ctx;
  const other = await rowmill.newUser();
  await addEndedTasks(pool, other.userId, short(500));
  await addEndedTasks(pool, owner.userId, ["Needle", ...short(TASKS - 1)]);
  await makeTask(owner, { title: "Needle", tags: ["rare"] });
  await pool.query("UPDATE rowmill.tasks SET tags = '{frequent}' WHERE user_id = $1 AND tags = '{}'", [
    owner.userId,
  ]);
  await pool.query("VACUUM ANALYZE rowmill.tasks");
});

const stats = async (query: string) => (await owner.get(`/api/v1/tasks/stats${query}`)).body;

test("a count by status alone counts every task", async () => {
  expect(await stats("")).toEqual({ ...ALL, total: TASKS + 1 });
  expect(await stats("?status=completed,completed")).toEqual({ ...ZEROS, completed: TASKS, total: TASKS });
});

test("a count with other conditions looks at the newest 10,000 tasks of each status, and at all if it is asked to", async () => {
  expect(await stats("?search=needle")).toEqual({ ...ZEROS, pending: 1, total: 1, is_lower_bound: true });
  expect(await stats("?search=needle&exact=true")).toEqual({ ...ZEROS, pending: 1, completed: 1, total: 2 });
  const capped = { ...ZEROS, pending: 1, completed: 10_000, total: 10_001, is_lower_bound: true };
  expect(await stats("?type=generic")).toEqual(capped);
  expect(await stats("?type=generic&exact=true")).toEqual({ ...ALL, total: TASKS + 1 });
  expect(await stats("?type=generic&status=pending")).toEqual({ ...ZEROS, pending: 1, total: 1 });
  expect(await stats("?queue=http")).toEqual({ ...ZEROS, total: 0 });
});

test("a tag, a group and a time in which few tasks ended are counted exactly", async () => {
  expect(await stats("?tag=rare")).toEqual({ ...ZEROS, pending: 1, total: 1 });
  const capped = { ...ZEROS, completed: 10_000, total: 10_000, is_lower_bound: true };
  expect(await stats("?tag=frequent")).toEqual(capped);
  expect(await stats("?ended_from=9000-01-01")).toEqual({ ...ZEROS, total: 0 });
  expect(await stats("?to=2020-01-01")).toEqual({ ...ZEROS, total: 0 });
});

const limits = { counted: 100, lookedAt: 50 };
const filters: [TaskFilter, rows: number][] = [
  // A status is read up to its limit and one task more.
  [{}, 102],
  [{ statuses: ["completed"] }, 101],
  // So is each type, after a look at the types that the owner has.
  [{ type: "generic" }, 60],
  [{ search: ["absent"] }, 60],
  [{ search: ["needle"], statuses: ["completed"] }, 60],
  // Whether few tasks have the tag, 5,001 of the about 10,000 that the index gives tell.
  [{ tag: "frequent" }, 15_100],
];

async function expectBounded(filter: TaskFilter, most: number): Promise<void> {
  const statements = recordReads(rowmill);
  const { isLowerBound } = await countUpTo(rowmill.ctx, owner.userId, filter, limits);
  expect(isLowerBound).toBe(true);
  const reads = await countRowsOfAll(rowmill.ctx.pool, statements);
  expect(reads.length).toBeGreaterThan(0);
  for (const { rows, scans } of reads) expect([rows <= most, scans]).toEqual([true, scans]);
}

test.each(filters)("a count of %j reads no more tasks than its limit", expectBounded);

test("a count by status reads no more than its limit if all tasks have changed since the last VACUUM", async () => {
  const { pool } = rowmill.ctx;
  await pool.query("UPDATE rowmill.tasks SET priority = priority");
  await pool.query("ANALYZE rowmill.tasks");
  // PostgreSQL may take the index of all users, and pass the 500 tasks of somebody else.
  await expectBounded({}, 700);
});
