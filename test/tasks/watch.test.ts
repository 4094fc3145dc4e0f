import { afterEach, describe, expect, test } from "vitest";
import type { TaskView } from "../../src/tasks/views.ts";
import { EventClient } from "../support/events.ts";
import { startPrograms } from "../support/processes.ts";
import { atEnd } from "../support/rowmill.ts";
import { getTask, type Listed, makeTask, untilEnded, untilTask } from "../support/task-client.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUserPerTest(rowmill);
// The places of a worker are few.
afterEach(async () => {
  const { body } = await user.get<Listed>("/api/v1/tasks?status=pending,processing");
  for (const { id } of body.items) await user.delete(`/api/v1/tasks/${id}`);
});

const ifNone = (etag: string | null) => ({ "if-none-match": etag ?? "" });

describe("the version of a task", () => {
  test("the ETag of a task does not change with time alone", async () => {
    const { id } = await makeTask(user, { params: { seconds: 0.2 } });
    const { elapsed_seconds } = await untilEnded(user, id);
    expect(elapsed_seconds).toBeGreaterThanOrEqual(0.2);
    const path = `/api/v1/tasks/${id}`;
    const first = await user.get(path);
    expect(first.headers.get("etag")).toMatch(/^W\/"[\w-]+"$/);
    const again = await user.get(path, ifNone(first.headers.get("etag")));
    expect([again.status, again.body]).toEqual([304, ""]);
    expect((await user.get(path, ifNone('W/"other"'))).status).toBe(200);
  });

  test("the ETag of a running task ignores its elapsed time", async () => {
    const { id } = await makeTask(user, { params: { seconds: 3600 } });
    const path = `/api/v1/tasks/${id}`;
    await untilTask(user, id, "runs", ({ status }) => status === "processing");
    const first = await user.get<TaskView>(path);
    const later = await untilTask(
      user,
      id,
      "took longer",
      ({ elapsed_seconds }) => (elapsed_seconds ?? 0) > (first.body.elapsed_seconds ?? 0),
    );
    expect(later.status).toBe("processing");
    expect((await user.get(path, ifNone(first.headers.get("etag")))).status).toBe(304);
  });

  test("the ETag of a task changes with each change", async () => {
    const { id } = await makeTask(user, { params: { seconds: 3600 } });
    const path = `/api/v1/tasks/${id}`;
    await untilTask(user, id, "runs", ({ status }) => status === "processing");
    const { headers } = await user.get(path);
    await user.post(`${path}/cancel`);
    const { status, body } = await user.get<TaskView>(path, ifNone(headers.get("etag")));
    expect([status, body.status]).toEqual([200, "cancelled"]);
  });
});

describe("pages of what a task told", () => {
  interface Step {
    progress: number;
    message: string;
    data: object | null;
    created_at: string;
  }

  test("pages of history and progress are in order and do not overlap", async () => {
    const { id } = await makeTask(user, { params: { seconds: 2 } });
    await untilEnded(user, id);
    for (const list of ["history", "progress"]) {
      const all = (await user.get<Listed<Step>>(`/api/v1/tasks/${id}/${list}`)).body;
      expect(all.items.length).toBeGreaterThan(2);
      expect(all.next_cursor).toBeNull();
      const paged: Step[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const page: Listed<Step> = (
          await user.get<Listed<Step>>(
            `/api/v1/tasks/${id}/${list}?limit=2${cursor ? `&cursor=${cursor}` : ""}`,
          )
        ).body;
        paged.push(...page.items);
        cursor = page.next_cursor;
      }
      expect(paged).toEqual(all.items);
    }
    const { items } = (await user.get<Listed<Step>>(`/api/v1/tasks/${id}/progress`)).body;
    const percent = items.map(({ progress }) => progress);
    expect(percent).toEqual([...percent].sort((a, b) => a - b));
    expect(items.at(-1)).toMatchObject({ progress: 100, message: "Step 4 of 4", data: null });
  });

  test.each(["history", "progress", "files"])("an unknown cursor is refused: %s", async (list) => {
    const { id } = await makeTask(user);
    expect((await user.get(`/api/v1/tasks/${id}/${list}?cursor=x`)).status).toBe(400);
  });
});

test("the files of a task are listed after it has completed", async () => {
  const { pool } = rowmill.ctx;
  const { id } = await makeTask(user, { params: { seconds: 3600 } });
  await untilTask(user, id, "runs", ({ status }) => status === "processing");
  const add = (name: string, taskId: string | null, origin: string, isReceiving = false) =>
    pool.query(
      `INSERT INTO rowmill.files (id, user_id, name, media_type, bytes, sha256, origin, task_id, receiving_at)
      VALUES (gen_random_uuid(), $1, $2, 'image/webp', 7, '', $3, $4, $5)`,
      [user.userId, name, origin, taskId, isReceiving ? new Date() : null],
    );
  await add("a.webp", id, "result");
  await add("b.webp", id, "result");
  await add("half.webp", id, "result", true);
  await add("other.webp", crypto.randomUUID(), "result");
  await add("upload.webp", null, "upload");
  const list = async (query = "") =>
    (await user.get<Listed<{ id: string; name: string }>>(`/api/v1/tasks/${id}/files${query}`)).body;
  expect((await list()).items).toEqual([]);
  // As its worker ends it.
  await pool.query("UPDATE rowmill.tasks SET status = 'completed', completed_at = now() WHERE id = $1", [id]);
  const { items } = await list();
  expect(items.map(({ name }) => name).sort()).toEqual(["a.webp", "b.webp"]);
  expect(items[0]).toEqual({
    id: expect.any(String),
    name: expect.any(String),
    media_type: "image/webp",
    bytes: 7,
    url: `/api/v1/files/${items[0]?.id}/content`,
  });
  const first = await list("?limit=1");
  const second = await list(`?limit=1&cursor=${first.next_cursor}`);
  expect([...first.items, ...second.items]).toEqual(items);
  expect(second.next_cursor).toBeNull();
});

describe("the stream of a task", () => {
  const open = async (id: string, headers: Record<string, string> = {}, client = user) => {
    const stream = await EventClient.open<TaskView>(`${client.url}/api/v1/tasks/${id}/events`, {
      authorization: `Bearer ${client.token}`,
      ...headers,
    });
    atEnd(async () => stream.leave());
    return stream;
  };

  test("the event stream of a task sends its state first, on change and at the end", async () => {
    const { id } = await makeTask(user, { params: { seconds: 2 } });
    const stream = await open(id);
    expect(stream.response.headers["content-type"]).toBe("text/event-stream");
    await stream.ended();
    const names = stream.events.map(({ event }) => event);
    expect(names.slice(0, -1).every((name) => name === "task")).toBe(true);
    expect(names.at(-1)).toBe("end");
    const percent = stream.events.map(({ data }) => data.progress);
    expect(percent).toEqual([...percent].sort((a, b) => a - b));
    expect(new Set(percent).size).toBeGreaterThan(2);
    const last = stream.events.at(-1)?.data;
    expect(last).toMatchObject({ id, status: "completed", progress: 100 });
    expect(last).toEqual(await getTask(user, id));
  });

  test("the event stream of a task sends a cancel at once", async () => {
    const { id } = await makeTask(user, { params: { seconds: 3600 } });
    const stream = await open(id);
    await stream.saw("that it runs", ({ data }) => data.status === "processing");
    await user.post(`/api/v1/tasks/${id}/cancel`, { reason: "enough" });
    await stream.ended();
    expect(stream.events.at(-1)).toMatchObject({ event: "end", data: { cancel_reason: "enough" } });
  });

  test("the event stream of an ended task sends it and closes, and answers 204 on reconnect", async () => {
    const { id } = await makeTask(user);
    await untilEnded(user, id);
    const stream = await open(id);
    await stream.ended();
    expect(stream.events.map(({ event }) => event)).toEqual(["task", "end"]);
    const again = await open(id, { "last-event-id": stream.events.at(-1)?.id ?? "" });
    expect(again.response.statusCode).toBe(204);
  });

  test("the event stream of a task resumes after a lost connection", async () => {
    const { id } = await makeTask(user);
    await untilEnded(user, id);
    const first = await open(id);
    await first.ended();
    const again = await open(id, { "last-event-id": first.events[0]?.id ?? "" });
    await again.ended();
    expect(again.events.map(({ event }) => event)).toEqual(["end"]);
  });

  test("the event stream of a task closes when it is deleted", async () => {
    const { id } = await makeTask(user, { params: { seconds: 3600 } });
    const stream = await open(id);
    await stream.saw("the task", () => true);
    await user.delete(`/api/v1/tasks/${id}`);
    await stream.ended();
    expect(stream.events.every(({ event }) => event === "task")).toBe(true);
  });

  test("any API process streams a task that another process runs", async () => {
    await using programs = await startPrograms({}, rowmill.config.databaseUrl);
    const api = await programs.startApi();
    const { id } = await makeTask(user, { params: { seconds: 1.5 } });
    const stream = await open(id, {}, api.clientOf(user));
    await stream.ended();
    expect(stream.events.length).toBeGreaterThan(2);
    expect(stream.events.at(-1)?.data).toMatchObject({ status: "completed" });
  });
});
