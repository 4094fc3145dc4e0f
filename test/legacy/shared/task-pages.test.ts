/** Legacy lists of tasks stop counting, searching and sorting at a limit, say so, and lead to the rest. */
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../support/client.ts";
import { addEndedTasks, short } from "../../support/ended-tasks.ts";
import { countRowsRead, recordReads } from "../../support/explained-reads.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
const owner = useUser(rowmill, "owner");
const admin = useAdmin(rowmill);
const TASKS = 21_000;
const OF_OTHERS = 2000;
/** The tasks that a search, or an order that no index has, looks at. */
const WINDOW = 10_000;

interface List {
  readonly count: number;
  readonly next: string | null;
  readonly results: { id: number; title: string; created_at: string }[];
  readonly is_lower_bound?: boolean;
  readonly searched_to?: string;
}

beforeAll(async () => {
  const { pool } = rowmill.ctx;
  const other = await rowmill.newUser();
  await addEndedTasks(pool, other.userId, short(OF_OTHERS));
  // Numbers ascend with the time of creation.
  await pool.query("UPDATE rowmill.tasks SET created_at = created_at - interval '1 day'");
  // The oldest, the newest, and one that the second window begins with have the word.
  await addEndedTasks(pool, owner.userId, ["A needle", ...short(TASKS - 2), "Z needle"]);
  await pool.query(
    `INSERT INTO rowmill.tasks (id, user_id, type, queue, title, status, params, max_retries, job_id, metadata)
     SELECT gen_random_uuid(), $1, 'image', 'file_processing', 'Open', 'pending', '{}', 3, gen_random_uuid(), '{}' FROM generate_series(1, 30)`,
    [owner.userId],
  );
  await pool.query("VACUUM ANALYZE rowmill.tasks");
});

const list = async (query: string, user = owner) => (await user.get<List>(`/api/tasks/tasks/${query}`)).body;

/** Follows `next` to the end of the list. */
async function readAll(query: string, user = owner, afterPage = async () => {}): Promise<List[]> {
  const pages = [await list(query, user)];
  for (let next = pages[0]?.next; next && pages.length < 100; next = pages.at(-1)?.next) {
    await afterPage();
    pages.push(await list(new URL(next).search, user));
  }
  return pages;
}

test("a legacy search looks at the newest 10,000 tasks, says so, and its next pages find the rest", async () => {
  const [first, ...others] = await readAll("?search=needle");
  expect(first).toMatchObject({ count: 1, is_lower_bound: true, searched_to: expect.any(String) });
  expect(first?.results.map(({ title }) => title)).toEqual(["Z needle"]);
  expect(others.at(-1)).toMatchObject({ count: 1, next: null });
  expect(others.at(-1)).not.toHaveProperty("is_lower_bound");
  expect(others.at(-1)).not.toHaveProperty("searched_to");
  const found = [first, ...others].flatMap((page) => page?.results ?? []);
  expect(found.map(({ title }) => title)).toEqual(["Z needle", "A needle"]);
});

test.each([
  "?ordering=title",
  "?ordering=-updated_at,title",
  "?search=hay&ordering=title",
  "?ordering=status,title&status=completed",
])("%s sorts 10,000 tasks at a time, and its pages have every task once", async (query) => {
  const pages = await readAll(`${query}&page_size=1000`);
  const ids = pages.flatMap(({ results }) => results.map(({ id }) => id));
  const all = query.includes("hay") ? TASKS - 2 : query.includes("status=") ? TASKS : TASKS + 30;
  expect([ids.length, new Set(ids).size]).toEqual([all, all]);
  expect(pages[0]).toMatchObject({ is_lower_bound: true });
  if (!query.includes("ordering=title")) return;
  const titles = pages.slice(0, 5).flatMap(({ results }) => results.map(({ title }) => title));
  const { rows } = await rowmill.ctx.pool.query<{ title: string }>(
    `SELECT title FROM (
         SELECT title, number FROM rowmill.tasks WHERE user_id = $1 ORDER BY number DESC LIMIT ${WINDOW}
       ) AS newest WHERE title LIKE $2 ORDER BY title, number DESC LIMIT $3`,
    [owner.userId, query.includes("hay") ? "Hay%" : "%", titles.length],
  );
  expect(titles).toEqual(rows.map(({ title }) => title));
});

test.each([
  ["-created_at,status,updated_at", "created_at DESC, status::text, updated_at"],
  ["created_at,-title", "created_at, title DESC"],
  ["status", "status::text"],
  ["-status,created_at", "status::text DESC, created_at"],
  ["status,id", "status::text, number"],
  ["status,-status,created_at", "status::text, created_at"],
  ["id", "number"],
])("ordering=%s sorts all tasks, whatever the page", async (ordering, order) => {
  for (const page of [1, 2, 700]) {
    const { results, is_lower_bound } = await list(`?ordering=${ordering}&page=${page}&page_size=30`);
    const { rows } = await rowmill.ctx.pool.query<{ number: string }>(
      `SELECT number FROM rowmill.tasks WHERE user_id = $1 ORDER BY ${order}, number DESC LIMIT 30 OFFSET $2`,
      [owner.userId, (page - 1) * 30],
    );
    expect(results.map(({ id }) => id)).toEqual(rows.map(({ number }) => Number(number)));
    expect(is_lower_bound).toBeUndefined();
  }
});

test("tasks of transactions that overlap are sorted by their time, although their numbers are not", async () => {
  const user = await rowmill.newUser();
  await addEndedTasks(rowmill.ctx.pool, user.userId, short(300));
  await rowmill.ctx.pool.query(
    `UPDATE rowmill.tasks SET created_at = created_at + interval '1 day' + CASE WHEN number % 3 = 0 THEN interval '90 seconds' ELSE interval '0' END
     WHERE user_id = $1`,
    [user.userId],
  );
  for (const direction of ["", "-"]) {
    const { body } = await user.get<List>(`/api/tasks/tasks/?ordering=${direction}created_at&page=2`);
    const { rows } = await rowmill.ctx.pool.query<{ number: string }>(
      `SELECT number FROM rowmill.tasks WHERE user_id = $1 ORDER BY created_at ${direction ? "DESC" : "ASC"}, number DESC LIMIT 20 OFFSET 20`,
      [user.userId],
    );
    expect(body.results.map(({ id }) => id)).toEqual(rows.map(({ number }) => Number(number)));
  }
});

test("counts of a type stop at 10,000 tasks and say so; every page up to the last one is there", async () => {
  const type = await owner.get<List>("/api/tasks/?task_type=generic&page=1");
  expect(type.body).toMatchObject({ count: WINDOW, is_lower_bound: true });
  const later = await owner.get<List>("/api/tasks/?task_type=generic&page=600");
  expect(later.body.results).toHaveLength(20);
  expect(later.body.count).toBeGreaterThan(600 * 20);
  expect(later.body.next).toContain("page=601");
  expect((await owner.get<List>("/api/tasks/?task_type=image")).body).toMatchObject({ count: 30 });
  expect((await list("")).count).toBe(TASKS + 30);
});

test.each([
  "/api/tasks/tasks/?search=absent",
  "/api/tasks/?search=absent",
  "/api/tasks/tasks/?ordering=title",
  "/api/tasks/tasks/?ordering=-updated_at,id",
])("%s reads no more tasks than its limits", async (path) => {
  const statements = recordReads(rowmill);
  statements.length = 0;
  expect((await owner.get(path)).status).toBe(200);
  const reads = await Promise.all([...statements].map((each) => countRowsRead(rowmill.ctx.pool, each)));
  expect(reads.length).toBeGreaterThan(0);
  for (const { rows, scans } of reads) expect([rows <= WINDOW + OF_OTHERS, scans]).toEqual([true, scans]);
});

test.each([
  ["?ordering=-created_at,status", TASKS + 30],
  ["?ordering=created_at", TASKS + 30],
  ["?ordering=status", TASKS + 30],
  ["?ordering=status,-created_at", TASKS + 30],
  ["?ordering=-status,id", TASKS + 30],
  ["?status=completed&ordering=-created_at", TASKS],
  ["?status=pending&ordering=id", 30],
  ["?status=pending&ordering=created_at", 30],
])("the first page of %s reads few tasks", async (query, all) => {
  const statements = recordReads(rowmill);
  statements.length = 0;
  const { count } = await list(query);
  expect(count).toBe(all);
  const reads = await Promise.all([...statements].map((each) => countRowsRead(rowmill.ctx.pool, each)));
  // Of the tasks that were created within ten minutes of the page, one per second, and of others before them. The count reads what it counts.
  const others = reads.filter(({ scans }) => !scans.every((scan) => scan.includes("tasks_owner_status")));
  for (const { rows, scans } of others) expect([rows <= 1000 + OF_OTHERS, scans]).toEqual([true, scans]);
});

test.each(["/api/tasks/tasks/", "/api/tasks/"])("%s names a before_id that is no id", async (path) => {
  const at = async (value: string) =>
    (await owner.get<Problem>(`${path}?before_id=${value}`)).body.field_errors;
  expect(await at("x")).toEqual({ before_id: ["A valid integer is required."] });
  expect(await at("0")).toEqual({ before_id: ["Ensure this value is greater than or equal to 1."] });
  expect(await at("9007199254740992")).toEqual({
    before_id: ["Ensure this value is less than or equal to 9007199254740991."],
  });
});

test("an operator sees all tasks counted", async () => {
  const { body } = await admin.get("/api/admin/tasks/");
  expect(body).toMatchObject({ count: TASKS + 30 + OF_OTHERS + 300 });
});

test("tasks that are created while a client follows `next` move no others", async () => {
  const user = await rowmill.newUser();
  const { pool } = rowmill.ctx;
  await addEndedTasks(pool, user.userId, short(WINDOW + 500));
  const { rows } = await pool.query<{ number: string }>(
    "SELECT number FROM rowmill.tasks WHERE user_id = $1 ORDER BY number",
    [user.userId],
  );
  const create = () => addEndedTasks(pool, user.userId, Array(200).fill("Zebra"));
  const pages = await readAll("?ordering=title&page_size=1000", user, create);
  const ids = pages.flatMap(({ results }) => results.map(({ id }) => id));
  expect(ids.sort((a, b) => a - b)).toEqual(rows.map(({ number }) => Number(number)));
});
