/** Requests that create workflows, and everything about them that needs no worker. */
import { describe, expect, test } from "vitest";
import type { Problem } from "../support/client.ts";
import { useAdmin, useRowmill, useUser, useUserPerTest } from "../support/use-rowmill.ts";
import { getWorkflow, makeWorkflow, quick } from "../support/workflows.ts";

const rowmill = useRowmill({ settings: { MAX_WORKFLOWS_PER_USER: "30", MAX_OPEN_TASKS_PER_USER: "1500" } });
const user = useUserPerTest(rowmill);
const admin = useAdmin(rowmill);

const many = (count: number, more: (index: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) => quick({ name: `s${index}`, ...more(index) }));
const chainOf = (count: number) =>
  many(count, (index) => ({ depends_on: index === 0 ? [] : [`s${index - 1}`] }));
const first110 = Array.from({ length: 110 }, (_, index) => `s${index}`);
const seconds = (text: unknown) => ({ type: "generic", params: { seconds: text } });

describe("refused, naming the field", () => {
  const user = useUser(rowmill);
  test.each<[title: string, body: object, field: string, text: string]>([
    ["no steps at all", {}, "body", "exactly one of"],
    ["two kinds", { chain: [], group: [] }, "group", "cannot be combined with `chain`"],
    ["an unknown field", { chain: [], x: 1 }, "x", "not a known field"],
    ["an unknown type", { chain: [quick(), { type: "magic" }] }, "chain.1.type", '"magic" is not one of'],
    [
      "a type in a chord",
      { chord: { group: [quick(), { type: "magic" }], callback: quick() } },
      "chord.group.1.type",
      "magic",
    ],
    [
      "a callback",
      { chord: { group: [], callback: seconds(-1) } },
      "chord.callback.params.seconds",
      "at least 0",
    ],
    [
      "the same name",
      { group: [quick({ name: "a" }), quick({ name: "a" })] },
      "group.1.name",
      "the name of group.0",
    ],
    [
      "an unknown dependency",
      { steps: [quick({ name: "a", depends_on: ["b"] })] },
      "steps.0.depends_on.0",
      '"b" is not the name',
    ],
    [
      "a dependency twice",
      { steps: [quick({ name: "a" }), quick({ name: "b", depends_on: ["a", "a"] })] },
      "steps.1.depends_on.1",
      "twice",
    ],
    [
      "a step that depends on itself",
      { steps: [quick({ name: "a", depends_on: ["a"] })] },
      "steps.0.depends_on",
      "a → a",
    ],
    [
      "a circle",
      {
        steps: [
          quick({ name: "a", depends_on: ["c"] }),
          quick({ name: "b", depends_on: ["a"] }),
          quick({ name: "c", depends_on: ["b"] }),
        ],
      },
      "steps.0.depends_on",
      "a → c → b → a",
    ],
    ["a bad name", { steps: [quick({ name: "a.b" })] }, "steps.0.name", "pattern"],
    ["too many steps", { group: many(1001) }, "group", "1000"],
    ["101 steps one after the other", { chain: many(101) }, "chain.100", "The limit is 100."],
    [
      "too many dependencies",
      { steps: many(300, (index) => ({ depends_on: index < 200 ? [] : first110 })) },
      "steps",
      "11000 dependencies",
    ],
    [
      "a wrong parameter",
      { chain: [quick(), { type: "generic", params: { seconds: "x" } }] },
      "chain.1.params.seconds",
      "a number",
    ],
    [
      "an unknown parameter beside a template",
      {
        chain: [
          quick({ name: "a" }),
          { type: "generic", params: { seconds: "{{steps.a.result.seconds}}", x: 1 } },
        ],
      },
      "chain.1.params.x",
      "not a parameter",
    ],
    [
      "an unknown template",
      { chain: [quick(), seconds("{{now}}")] },
      "chain.1.params.seconds",
      "unknown template `{{now}}`",
    ],
    [
      "a template without an end",
      { chain: [quick(), seconds("{{steps.generic.result")] },
      "chain.1.params.seconds",
      "without its end",
    ],
    [
      "a template of an unknown step",
      { chain: [quick(), seconds("{{steps.nobody.result}}")] },
      "chain.1.params.seconds",
      'no step has the name "nobody"',
    ],
    [
      "a template of a later step",
      { group: [seconds("{{steps.b.result.seconds}}"), quick({ name: "b" })] },
      "group.0.params.seconds",
      'does not depend on "b"',
    ],
    [
      "a template of an unknown result",
      { chain: [quick({ name: "a" }), seconds("{{steps.a.result.minutes}}")] },
      "chain.1.params.seconds",
      "Known fields: message, seconds.",
    ],
    [
      "previous without a dependency",
      { chain: [seconds("{{previous.result}}")] },
      "chain.0.params.seconds",
      "0 dependencies",
    ],
    [
      "results beyond the last",
      { chain: [quick(), seconds("{{results.1}}")] },
      "chain.1.params.seconds",
      "a list of 1",
    ],
    [
      "a file that is not there",
      { chain: [{ type: "image", file_id: "01a20159-f320-7af5-a6be-a1fe00000000" }] },
      "chain.0.file_id",
      "one of your files",
    ],
    ["a file that is no id", { chain: [{ type: "image", file_id: "x" }] }, "chain.0.file_id", "UUID"],
    ["a type without its file", { chain: [{ type: "image" }] }, "chain.0.file_path", "is required"],
    [
      "a file too many",
      { chain: [quick({ file_path: "{{previous.state}}" })] },
      "chain.0.file_path",
      "0 dependencies",
    ],
    [
      "a character that cannot be stored",
      { chain: [quick({ title: "a\u0000b" })] },
      "chain.0.title",
      "U+0000",
    ],
    ["a long wait", { chain: [], timeout_seconds: 31 * 86_400 }, "timeout_seconds", "at most 2592000"],
  ])("%s", async (_, body, field, text) => {
    const answer = await user.post<Problem>("/api/v1/workflows", body);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_input"]);
    expect(answer.body.field_errors[field]?.join(" "), JSON.stringify(answer.body.field_errors)).toContain(
      text,
    );
    const { body: list } = await user.get("/api/v1/workflows");
    expect(list).toEqual({ items: [], next_cursor: null });
  });
});

test("a type of another role is refused, and so is a body of more than 2 MiB", async () => {
  expect(await user.post("/api/v1/workflows", { chain: [{ type: "generate_daily_report" }] })).toMatchObject({
    status: 403,
  });
  const big = { group: many(200, () => ({ description: "x".repeat(10_000) })), name: "x".repeat(200_000) };
  expect(await user.post("/api/v1/workflows", big)).toMatchObject({ status: 413 });
});

test("100 steps one after the other and 1,000 steps are accepted; their room is reserved", async () => {
  const chain = await makeWorkflow(user, { steps: chainOf(100) });
  expect(chain.counts).toMatchObject({ total: 100, queued: 1, waiting: 99 });
  const group = await makeWorkflow(user, { group: many(1000) });
  expect(group.counts).toMatchObject({ total: 1000, queued: 1000, waiting: 0 });
  const { body } = await user.get<{ open_tasks: { used: number } }>("/api/v1/auth/me/usage");
  expect(body.open_tasks.used).toBe(1100);
  const refused = await user.post<Problem>("/api/v1/workflows", { group: many(500) });
  expect([refused.status, refused.body.detail]).toEqual([
    429,
    expect.stringContaining("MAX_OPEN_TASKS_PER_USER"),
  ]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("stored workflows have a limit", async () => {
  for (let index = 0; index < 30; index++) await makeWorkflow(user, { group: [] });
  const refused = await user.post<Problem>("/api/v1/workflows", { group: [] });
  expect([refused.status, refused.body.detail]).toEqual([
    413,
    expect.stringContaining("MAX_WORKFLOWS_PER_USER"),
  ]);
});

test("steps without a name are named by their type", async () => {
  const { id } = await makeWorkflow(user, {
    group: [quick(), quick({ name: "generic_2" }), quick(), quick()],
  });
  expect((await getWorkflow(user, id)).steps.map(({ name }) => name)).toEqual([
    "generic",
    "generic_2",
    "generic_3",
    "generic_4",
  ]);
});

test("the same Idempotency-Key creates one workflow", async () => {
  const send = (body: object) => user.post("/api/v1/workflows", body, { "idempotency-key": "once" });
  const first = await send({ chain: [quick()] });
  const again = await send({ chain: [quick()] });
  expect([first.status, again.status, again.headers.get("idempotency-replayed")]).toEqual([201, 201, "true"]);
  expect(again.body).toEqual(first.body);
  expect(first.headers.get("location")).toBe(`/api/v1/workflows/${first.body.id}`);
  expect((await send({ chain: [] })).status).toBe(422);
});

test("lists have pages and filters", async () => {
  for (const name of ["Alpha", "Beta", "Gamma"]) await makeWorkflow(user, { name, chain: [quick()] });
  await makeWorkflow(user, { name: "Empty", group: [] });
  type List = { items: { name: string }[]; next_cursor: string | null };
  const names = async (query: string) =>
    (await user.get<List>(`/api/v1/workflows?${query}`)).body.items.map(({ name }) => name);
  expect(await names("")).toEqual(["Empty", "Gamma", "Beta", "Alpha"]);
  expect(await names("state=running&name=a")).toEqual(["Gamma", "Beta", "Alpha"]);
  expect(await names("kind=group")).toEqual(["Empty"]);
  const { body } = await user.get<List>("/api/v1/workflows?limit=3");
  expect(await names(`limit=3&cursor=${body.next_cursor}`)).toEqual(["Alpha"]);
});

test("another user's workflow does not exist; operators see it, and their cancel is in the audit log", async () => {
  const { id } = await makeWorkflow(user, {
    name: "Mine",
    chain: [quick({ name: "a" }), quick({ name: "b" })],
  });
  const other = await rowmill.newUser();
  const path = `/api/v1/workflows/${id}`;
  for (const answer of [
    await other.get(path),
    await other.get(`${path}/steps/a`),
    await other.get(`${path}/events`),
    await other.post(`${path}/cancel`),
    await other.post(`${path}/retry`),
    await other.delete(path),
    await user.get(`${path}/steps/c`),
  ])
    expect(answer.status).toBe(404);
  expect(await other.get("/api/v1/admin/workflows")).toMatchObject({ status: 403 });
  const listed = await admin.get<{ items: object[] }>(`/api/v1/admin/workflows?user_id=${user.userId}`);
  expect(listed.body.items).toMatchObject([{ id, user_id: user.userId }]);
  expect(await admin.get(`/api/v1/admin/workflows/${id}`)).toMatchObject({
    status: 200,
    body: { name: "Mine" },
  });
  expect(await admin.get(`/api/v1/admin/workflows/${id}/steps/a`)).toMatchObject({
    status: 200,
    body: { name: "a", attempts: [{ task_id: expect.any(String) }] },
  });
  expect(await other.get(`/api/v1/admin/workflows/${id}/steps/a`)).toMatchObject({ status: 403 });
  const cancelled = await admin.post(`/api/v1/admin/workflows/${id}/cancel`, { reason: "Too much." });
  expect(cancelled).toMatchObject({ status: 200, body: { state: "cancelled" } });
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT action, owner_id::int, actor_name FROM rowmill.audit_log WHERE subject_id = $1",
    [id],
  );
  expect(rows).toEqual([{ action: "workflow.cancelled", owner_id: user.userId, actor_name: "root" }]);
});

test("polling with the ETag answers 304", async () => {
  const { id } = await makeWorkflow(user, { chain: [quick()] });
  const { headers } = await user.get(`/api/v1/workflows/${id}`);
  const again = await user.get(`/api/v1/workflows/${id}`, { "if-none-match": headers.get("etag") ?? "" });
  expect(again.status).toBe(304);
});
