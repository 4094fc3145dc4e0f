import { beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../support/client.ts";
import { type Bulk, type Listed, makeTask } from "../support/task-client.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

let groupId: string;

/** One task a day, from the first of March on; told by its title. */
const rowmill = useRowmill();
const user = useUser(rowmill);
beforeAll(async () => {
  const { pool } = rowmill.ctx;
  const { body } = await user.post<Bulk>("/api/v1/tasks/bulk", {
    tasks: [
      { type: "generic", title: "one", tags: ["may", "web"], description: "A cat, 100 % black" },
      { type: "generic", title: "two", tags: ["web"], description: "a_cat" },
    ],
  });
  groupId = body.group_id;
  for (const title of ["three", "Four", "five"]) await makeTask(user, { title });
  const made = (await user.get<Listed>("/api/v1/tasks")).body.items.reverse();
  for (const [index, { id }] of made.entries()) {
    await pool.query("UPDATE rowmill.tasks SET created_at = $2 WHERE id = $1", [
      id,
      `2026-03-0${index + 1}T12:00:00Z`,
    ]);
  }
  await user.post(`/api/v1/tasks/${made[1]?.id}/cancel`);
  await pool.query(
    `UPDATE rowmill.tasks SET status = 'completed', completed_at = now(), queue = 'file_processing', file_name = 'Cat.JPG'
    WHERE id = $1`,
    [made[2]?.id],
  );
});

const ALL = ["five", "Four", "three", "two", "one"];

async function titles(query: string): Promise<string[]> {
  const { body } = await user.get<Listed>(`/api/v1/tasks${query}`);
  return body.items.map(({ title }) => title);
}

const filters: [query: string, titles: string[]][] = [
  ["", ALL],
  ["?status=pending", ["five", "Four", "one"]],
  ["?status=cancelled,completed", ["three", "two"]],
  ["?status=cancelled&status=completed", ["three", "two"]],
  ["?status=failed", []],
  ["?type=generic", ALL],
  ["?queue=file_processing", ["three"]],
  ["?tag=web", ["two", "one"]],
  ["?tag=may", ["one"]],
  ["?tag=WEB", []],
  ["?from=2026-03-04", ["five", "Four"]],
  ["?to=2026-03-02", ["two", "one"]],
  ["?from=2026-03-02&to=2026-03-02", ["two"]],
  ["?from=2026-03-02T12:00:00Z&to=2026-03-03T12:00:00.000Z", ["three", "two"]],
  ["?from=2026-03-02T12:00:00.001Z&to=2026-03-03T11:59:59Z", []],
  ["?to=2026-03-01T14:00:00%2B02:00", ["one"]],
  ["?from=0001-01-01&to=9999-12-31", ALL],
  ["?from=2026-03-04&to=2026-03-01", []],
  ["?ended_from=2000-01-01", ["three", "two"]],
  ["?ended_to=2000-01-01", []],
  ["?status=completed&ended_from=2000-01-01&ended_to=9999-12-31", ["three"]],
  ["?search=cat", ["three", "two", "one"]],
  ["?search=CAT%20jpg", ["three"]],
  ["?search=four", ["Four"]],
  ["?search=100%20%25", ["one"]],
  ["?search=a_cat", ["two"]],
  ["?search=%20%20", ALL],
  ["?search=nothing", []],
  ["?status=pending&tag=web&from=2026-03-01", ["one"]],
];

test.each(filters)("GET /api/v1/tasks%s returns %j", async (query, expected) => {
  expect(await titles(query)).toEqual(expected);
});

test.each(filters)("GET /api/v1/tasks/stats%s counts the same", async (query, expected) => {
  const { total, ...counts } = (await user.get<Record<string, number>>(`/api/v1/tasks/stats${query}`)).body;
  expect(total).toBe(expected.length);
  expect(Object.values(counts).reduce((sum, one) => sum + one, 0)).toBe(total);
});

test("tasks are listed by their group", async () => {
  expect(await titles(`?group_id=${groupId}`)).toEqual(["two", "one"]);
  expect(await titles(`?group_id=${crypto.randomUUID()}`)).toEqual([]);
});

test("task counts include every status", async () => {
  expect((await user.get("/api/v1/tasks/stats")).body).toEqual({
    total: 5,
    pending: 3,
    processing: 0,
    completed: 1,
    failed: 0,
    cancelled: 1,
  });
});

test("pages of tasks stay consistent while tasks are created", async () => {
  const owner = await rowmill.newUser();
  for (const title of ["a", "b", "c", "d", "e"]) await makeTask(owner, { title });
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Listed = (
      await owner.get<Listed>(`/api/v1/tasks?limit=2&status=pending${cursor ? `&cursor=${cursor}` : ""}`)
    ).body;
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ title }) => title));
    cursor = page.next_cursor;
    await makeTask(owner, { title: "new" });
  } while (cursor);
  expect(seen).toEqual(["e", "d", "c", "b", "a"]);
});

describe("is refused", () => {
  test.each([
    ["status=done", "status"],
    ["status=pending,", "status"],
    ["status=", "status"],
    ["type=magic", "type"],
    ["queue=fast", "queue"],
    ["group_id=1", "group_id"],
    ["tag=", "tag"],
    ["tag=%00", "tag"],
    ["search=a%00b", "search"],
    [`search=${"x".repeat(201)}`, "search"],
    ["from=yesterday", "from"],
    ["from=2026-02-30", "from"],
    ["from=0000-01-01", "from"],
    ["to=2026-13-01", "to"],
    ["to=2026-03-01T12:00:00", "to"],
    ["to=2026-03-01T25:00:00Z", "to"],
    ["to=2026-03-01T12:00:00+02:00", "to"],
    ["to=2026", "to"],
    ["to=", "to"],
  ])("%s", async (query, field) => {
    for (const path of ["/api/v1/tasks", "/api/v1/tasks/stats"]) {
      const { status, body } = await user.get<Problem>(`${path}?${query}`);
      expect([status, body.code]).toEqual([400, "invalid_input"]);
      expect(Object.keys(body.field_errors)[0]).toBe(field);
    }
  });

  test.each(["cursor=x", "cursor=LTE", "limit=0", "limit=1001"])("%s", async (query) => {
    expect((await user.get(`/api/v1/tasks?${query}`)).status).toBe(400);
  });

  test.each(["/api/v1/tasks", "/api/v1/tasks/stats"])("%s requires a login", async (path) => {
    expect((await rowmill.client.get(path)).status).toBe(401);
  });
});
