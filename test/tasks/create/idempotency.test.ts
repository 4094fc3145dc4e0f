import { describe, expect, test } from "vitest";
import { claimKey } from "../../../src/idempotency/claim-key.ts";
import type { Problem } from "../../support/client.ts";
import { rowsOf } from "../../support/task-client.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);

const KEY = "the-first";
const ONE = { type: "generic", title: "one" };

describe.each<[path: string, body: object, other: object, made: number]>([
  ["/api/v1/tasks", ONE, { ...ONE, title: "other" }, 1],
  ["/api/v1/tasks/bulk", { tasks: [ONE, ONE] }, { tasks: [ONE, ONE], order: "sequential" }, 2],
])("POST %s with an Idempotency-Key", (path, sent, other, made) => {
  const post = <T = Record<string, unknown>>(body: object, client = user, key = KEY) =>
    client.post<T>(path, body, { "idempotency-key": key });
  const isMade = async () => expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: made, jobs: made });

  test("the same idempotency key returns the first answer and creates nothing twice", async () => {
    const first = await post(sent);
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([201, null]);
    const again = await post(sent);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(again.body).toEqual(first.body);
    await isMade();
  });

  test("the same idempotency key with another body is refused", async () => {
    await post(sent);
    const { status, body } = await post<Problem>(other);
    expect([status, body.code]).toEqual([422, "key_reused"]);
    await isMade();
  });

  test("a second request with an idempotency key waits for the first to end", async () => {
    await using _ = await claimKey(rowmill.ctx, user.userId, KEY);
    const { status, body, headers } = await post<Problem>(sent);
    expect([status, body.code]).toEqual([409, "conflict"]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("concurrent requests with one idempotency key create the tasks once", async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(sent)));
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([]);
    await isMade();
  });

  test("a refused request frees its idempotency key", async () => {
    expect((await post({ ...sent, x: 1 })).status).toBe(400);
    expect((await post({ tasks: [{ type: "magic" }], type: "magic" })).status).toBe(400);
    expect((await post(sent)).status).toBe(201);
  });

  test("two users may use the same idempotency key", async () => {
    const mine = await post(sent);
    const theirs = await post(sent, await rowmill.newUser());
    expect([theirs.status, theirs.headers.get("idempotency-replayed")]).toEqual([201, null]);
    expect(theirs.body).not.toEqual(mine.body);
  });

  test("another idempotency key, or none, creates another task", async () => {
    await post(sent);
    await post(sent, user, "the-second");
    await user.post(path, sent);
    expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 3 * made, jobs: 3 * made });
  });

  test.each(["", "x".repeat(256)])('the idempotency key "%s" is refused', async (key) => {
    expect((await post(sent, user, key)).status).toBe(400);
  });
});

test("an idempotency key of one task is not valid for bulk creation or an upload", async () => {
  const headers = { "idempotency-key": KEY };
  await user.post("/api/v1/tasks", ONE, headers);
  expect((await user.post("/api/v1/tasks/bulk", { tasks: [ONE] }, headers)).status).toBe(422);
  const form = new FormData();
  form.set("file", new Blob(["title,author\nEmma,Jane Austen\n"]), "books.csv");
  const { status } = await user.send("POST", "/api/v1/batches?target=books", { body: form, headers });
  expect(status).toBe(422);
});
