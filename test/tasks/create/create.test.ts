import { describe, expect, test } from "vitest";
import type { TaskView } from "../../../src/tasks/views.ts";
import type { Problem } from "../../support/client.ts";
import { history, type Listed, rowsOf } from "../../support/task-client.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

const GENERIC = { type: "generic", params: { seconds: 0 } };

test("creating a task stores its fields, its job and its history", async () => {
  const given = {
    ...GENERIC,
    title: "Try it",
    description: "Takes no time.",
    priority: 7,
    max_retries: 0,
    tags: ["may", "web page"],
    metadata: { order: 4711, nested: { none: null } },
  };
  const { status, headers, body } = await user.post<TaskView>("/api/v1/tasks", given);
  expect(status).toBe(201);
  expect(headers.get("location")).toBe(`/api/v1/tasks/${body.id}`);
  expect(body).toMatchObject({
    ...given,
    number: expect.any(Number),
    user_id: user.userId,
    queue: "default",
    status: "pending",
    progress: 0,
    file: null,
    result: null,
    error_code: null,
    retry_count: 0,
    attempt: 0,
    group_id: null,
    after_id: null,
    is_cancellable: true,
    is_retryable: false,
    allowed_actions: ["cancel", "delete"],
    elapsed_seconds: null,
    started_at: null,
  });
  expect((await user.get<TaskView>(headers.get("location") ?? "")).body).toEqual(body);
  expect(await history(user, body.id)).toEqual(["created", "queued"]);
  expect(await rowsOf(rowmill.ctx, user, body.job_id)).toEqual({ tasks: 1, jobs: 1 });
});

test("omitted fields of a task have their defaults", async () => {
  const { body } = await user.post<TaskView>("/api/v1/tasks", { type: "generic" });
  expect(body).toMatchObject({
    params: {},
    title: "",
    description: "",
    priority: 5,
    max_retries: rowmill.config.taskMaxRetries,
    tags: [],
    metadata: {},
  });
});

describe("no task is created from a body with", () => {
  test.for<[what: string, body: unknown, field: string, says: RegExp]>([
    ["no object", [], "body", /object/],
    ["text", "generic", "body", /object/],
    ["no type", {}, "type", /required/],
    ["an unknown type", { type: "magic" }, "type", /"magic" is not one of: .*generic/],
    ["a type that is a number", { type: 1 }, "type", /text/],
    ["a slip in a name", { type: "generic", prams: {} }, "prams", /not a known field/],
    ["params that are not an object", { type: "generic", params: [1] }, "params", /object/],
    [
      "a param out of its bounds",
      { type: "generic", params: { seconds: -1 } },
      "params.seconds",
      /must be at least 0/,
    ],
    [
      "a param of another kind",
      { type: "generic", params: { seconds: "2" } },
      "params.seconds",
      /must be a number/,
    ],
    [
      "a slip in a param",
      { type: "generic", params: { second: 2 } },
      "params.second",
      /not a parameter of generic\. Known parameters: seconds/,
    ],
    [
      "a param of every object",
      { type: "generic", params: { toString: 1 } },
      "params.toString",
      /not a parameter/,
    ],
    ["a long title", { ...GENERIC, title: "x".repeat(201) }, "title", /200/],
    ["a long description", { ...GENERIC, description: "x".repeat(10_001) }, "description", /10000/],
    ["a priority too high", { ...GENERIC, priority: 10 }, "priority", /at most 9/],
    ["a priority in words", { ...GENERIC, priority: "5" }, "priority", /whole number/],
    ["half a priority", { ...GENERIC, priority: 0.5 }, "priority", /whole number/],
    ["too many retries", { ...GENERIC, max_retries: 21 }, "max_retries", /at most 20/],
    ["retries below none", { ...GENERIC, max_retries: -1 }, "max_retries", /at least 0/],
    ["many tags", { ...GENERIC, tags: Array(21).fill("x") }, "tags", /20/],
    ["a long tag", { ...GENERIC, tags: ["ok", "x".repeat(51)] }, "tags.1", /50/],
    ["an empty tag", { ...GENERIC, tags: [""] }, "tags.0", /1/],
    ["tags that are not a list", { ...GENERIC, tags: "may" }, "tags", /list/],
    ["metadata that is not an object", { ...GENERIC, metadata: "x" }, "metadata", /object/],
    ["much metadata", { ...GENERIC, metadata: { x: "x".repeat(16_384) } }, "metadata", /16384/],
    ["a NUL in its title", { ...GENERIC, title: "a\0b" }, "title", /U\+0000/],
    ["a NUL in its description", { ...GENERIC, description: "a\0b" }, "description", /U\+0000/],
    ["a NUL in a tag", { ...GENERIC, tags: ["a\0b"] }, "tags", /U\+0000/],
    ["a NUL in its metadata", { ...GENERIC, metadata: { "a\0b": 1 } }, "metadata", /U\+0000/],
    ["half a character in its metadata", { ...GENERIC, metadata: { a: "\ud800" } }, "metadata", /surrogate/],
    ["half a character in its title", { ...GENERIC, title: "\udfff" }, "title", /surrogate/],
    ["a NUL in a path", { ...GENERIC, file_path: "a\0b" }, "file_path", /U\+0000/],
    [
      "a file for a type that takes none",
      { ...GENERIC, file_path: "nowhere" },
      "file_path",
      /does not name one of your files/,
    ],
    ["an invalid file id", { ...GENERIC, file_id: "1" }, "file_id", /UUID/],
    [
      "a file by id and path",
      { ...GENERIC, file_id: crypto.randomUUID(), file_path: "x" },
      "file_path",
      /combined/,
    ],
  ])("%s", async ([_, body, field, says]) => {
    const other = await rowmill.newUser();
    const { status, body: problem } = await other.post<Problem>("/api/v1/tasks", body);
    expect([status, problem.code]).toEqual([400, "invalid_input"]);
    expect(Object.keys(problem.field_errors)).toContain(field);
    expect(problem.field_errors[field]?.join(" ")).toMatch(says);
    expect(problem.detail).toContain(field);
    const { body: list } = await other.get<Listed>("/api/v1/tasks");
    expect(list.items).toEqual([]);
  });

  test("a body with several mistakes is answered with all of them", async () => {
    const { body } = await user.post<Problem>("/api/v1/tasks", { ...GENERIC, title: 1, priority: 12, x: 1 });
    expect(Object.keys(body.field_errors).sort()).toEqual(["priority", "title", "x"]);
  });

  test.each([
    ["application/json", "{", 400],
    ["application/json", '{"type":"generic","__proto__":{}}', 400],
    ["application/xml", "<type>generic</type>", 415],
    ["text/plain", "generic", 400],
  ])("a task sent as %s with the body %s is refused", async (type, body, expected) => {
    const { status } = await user.send("POST", "/api/v1/tasks", { headers: { "content-type": type }, body });
    expect(status).toBe(expected);
  });

  test("a body over the size limit is refused", async () => {
    const { status, body } = await user.post<Problem>("/api/v1/tasks", { x: "x".repeat(2 ** 20) });
    expect([status, body.code]).toEqual([413, "too_large"]);
  });
});

test("creating a task requires a login", async () => {
  const { status } = await rowmill.client.post("/api/v1/tasks", GENERIC);
  expect(status).toBe(401);
});
