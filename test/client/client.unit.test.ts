import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createClient, RowmillError } from "../../src/client/index.ts";

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
}

/** A server that gives these answers, one per request. An error stands for a lost connection. */
function serverOf(...answers: (Response | Error)[]) {
  const sent: Sent[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    sent.push({ method: init.method ?? "", url: String(url), headers: new Headers(init.headers) });
    const answer = answers.shift();
    if (!(answer instanceof Response)) throw answer ?? new Error("no more answers");
    return answer;
  };
  return {
    sent,
    client: createClient({ baseUrl: "http://rowmill.test/", token: "rmt_1", fetch, retries: 2 }),
  };
}

const json = (body: object, init: ResponseInit = {}) => Response.json(body, init);

/** Has 4 MiB more each time that somebody reads. */
const endless = (status: number) =>
  new Response(
    new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(4 * 2 ** 20).fill(32)) }),
    {
      status,
      headers: { "content-type": "application/json" },
    },
  );

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json({ code, detail: `It is ${code}.`, field_errors: { limit: ["too high"] } }, { status, headers });

const failure = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RowmillError)) throw new Error(`No RowmillError: ${error}`);
  return error;
};

const lost = () => new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
const NOW = { "retry-after": "0" };
const newTask = { type: "generic" } as const;

describe("requests", () => {
  test("a path, a query and the token are put into the request", async () => {
    const { client, sent } = serverOf(json({ id: "1" }), json({ items: [], next_cursor: null }));
    await client.get("/api/v1/tasks/{task_id}", { path: { task_id: "a/b" } });
    await client.get("/api/v1/batches", { query: { limit: 5, cursor: "x y" } });
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET http://rowmill.test/api/v1/tasks/a%2Fb",
      "GET http://rowmill.test/api/v1/batches?limit=5&cursor=x+y",
    ]);
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer rmt_1");
  });

  test("a PUT sends its body as JSON", async () => {
    const { client, sent } = serverOf(json({ type: "generic", concurrent: 2 }));
    const limit = await client.put("/api/v1/admin/task-limits/{type}", {
      path: { type: "generic" },
      body: { concurrent: 2 },
    });
    expect(limit.concurrent).toBe(2);
    expect(sent[0]?.method).toBe("PUT");
    expect(sent[0]?.headers.get("content-type")).toBe("application/json");
  });

  test("an answer without a body is undefined", async () => {
    const { client } = serverOf(new Response(null, { status: 204 }));
    const answer: undefined = await client.delete("/api/v1/tasks/{task_id}", { path: { task_id: "1" } });
    expect(answer).toBeUndefined();
  });

  test("a list requests each page when its items are needed", async () => {
    const { client, sent } = serverOf(
      json({ items: [{ row: 2 }, { row: 3 }], next_cursor: "next" }),
      json({ items: [{ row: 4 }], next_cursor: null }),
    );
    const path = { batch_id: "b" };
    const rows = client.list("/api/v1/batches/{batch_id}/rows", { path, query: { status: "failed" } });
    expect((await rows.next()).value?.row).toBe(2);
    expect(sent).toHaveLength(1);
    expect(await Array.fromAsync(rows, ({ row }) => row)).toEqual([3, 4]);
    expect(sent[1]?.url).toBe("http://rowmill.test/api/v1/batches/b/rows?status=failed&cursor=next");
  });
});

describe("errors", () => {
  test("a problem document becomes a RowmillError with all of its fields", async () => {
    const headers = { "retry-after": "40", "x-request-id": "r1" };
    const { client } = serverOf(problem(429, "too_many_requests", headers));
    expect(await failure(client.get("/api/v1/batches"))).toMatchObject({
      message: "It is too_many_requests.",
      status: 429,
      code: "too_many_requests",
      field_errors: { limit: ["too high"] },
      request_id: "r1",
      retry_after: 40,
    });
  });

  test.each([
    ["the page of a proxy", new Response("<h1>Bad</h1>", { status: 500 }), /answered with the status 500/],
    [
      "a redirect",
      new Response(null, { status: 308, headers: { location: "https://other.test/" } }),
      /redirects to https:\/\/other\.test\/\. Use the final address/,
    ],
    ["a page with the status 200", new Response("<h1>Welcome</h1>"), /status 200 and without JSON/],
    ["a body without an end", endless(200), /status 200 and with more than 64 MiB/],
    ["an error without an end", endless(500), /answered with the status 500/],
    ["an error of another shape", json({ code: {}, detail: 1 }, { status: 400 }), /with the status 400/],
  ])("%s is an unexpected answer", async (_, answer, message) => {
    const error = await failure(serverOf(answer).client.get("/api/v1/batches"));
    expect(error.code).toBe("unexpected_answer");
    expect(error.message).toMatch(message);
  });

  test("a lost connection names the address and the cause", async () => {
    const error = await failure(
      serverOf(lost()).client.post("/api/v1/batches/{batch_id}/undo", { path: { batch_id: "b" } }),
    );
    expect(error).toMatchObject({ code: "unreachable", status: 0 });
    expect(error.message).toBe("http://rowmill.test cannot be reached: connect ECONNREFUSED");
  });

  test("a file that changes while it is sent is not sent again", async () => {
    const changed = new TypeError("fetch failed", {
      cause: new DOMException("The blob could not be read", "NotReadableError"),
    });
    const { client, sent } = serverOf(changed);
    const error = await failure(client.uploadBatch(new Blob(["title,author\n"])));
    expect([error.code, sent.length]).toEqual(["file_changed", 1]);
  });
});

describe("further attempts", () => {
  test("a GET is sent again until it succeeds", async () => {
    const { client, sent } = serverOf(lost(), problem(503, "unavailable", NOW), json({ id: "1" }));
    await client.get("/api/v1/tasks/{task_id}", { path: { task_id: "1" } });
    expect(sent).toHaveLength(3);
  });

  test("attempts are bounded", async () => {
    const busy = () => problem(429, "too_many_requests", NOW);
    const { client, sent } = serverOf(busy(), busy(), busy(), busy());
    expect((await failure(client.get("/api/v1/batches"))).status).toBe(429);
    expect(sent).toHaveLength(3);
  });

  test("a POST that takes an Idempotency-Key is sent again with the same key", async () => {
    const running = problem(409, "conflict", NOW);
    const { client, sent } = serverOf(lost(), running, json({ id: "1" }, { status: 201 }));
    await client.post("/api/v1/tasks", { body: newTask });
    const keys = sent.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(3);
  });

  test("each POST has a key of its own", async () => {
    const { client, sent } = serverOf(json({}), json({}));
    for (let count = 0; count < 2; count++) await client.post("/api/v1/tasks", { body: newTask });
    expect(new Set(sent.map(({ headers }) => headers.get("idempotency-key"))).size).toBe(2);
  });

  test.each(["post", "put", "patch", "delete"] as const)(
    "a %s without a key is sent once",
    async (method) => {
      const { client, sent } = serverOf(problem(503, "unavailable", NOW), json({}));
      expect((await failure(client.call(method, "/api/v1/batches/b/undo"))).status).toBe(503);
      expect(sent).toHaveLength(1);
    },
  );

  test("a refused request is sent once", async () => {
    const { client, sent } = serverOf(problem(400, "invalid_input"), json({}));
    expect((await failure(client.get("/api/v1/batches"))).status).toBe(400);
    expect(sent).toHaveLength(1);
  });

  test("a stream is sent once, and a Blob again", async () => {
    const busy = () => problem(503, "unavailable", NOW);
    const streaming = serverOf(busy(), json({ id: "1" }));
    const stream = ReadableStream.from([new TextEncoder().encode("title\nEmma\n")]);
    expect((await failure(streaming.client.uploadBatch(stream))).status).toBe(503);
    expect(streaming.sent[0]?.headers.has("idempotency-key")).toBe(false);
    const repeating = serverOf(busy(), json({ id: "1" }));
    expect((await repeating.client.uploadBatch(new Blob(["title\nEmma\n"]))).id).toBe("1");
    expect(repeating.sent).toHaveLength(2);
  });

  test("an upload that the server still reads is asked for again until it has ended, or for an hour", async () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const running = () => problem(409, "conflict", { "retry-after": "1" });
    const patient = serverOf(lost(), ...Array.from({ length: 60 }, running), json({ id: "1" }));
    const uploaded = patient.client.uploadBatch(new Blob(["title\nEmma\n"]));
    await vi.advanceTimersByTimeAsync(400_000);
    expect((await uploaded).id).toBe("1");
    const endless = serverOf(...Array.from({ length: 1000 }, running));
    const failed = failure(endless.client.uploadBatch(new Blob(["title\nEmma\n"])));
    await vi.advanceTimersByTimeAsync(3_700_000);
    expect((await failed).status).toBe(409);
  });

  test("an aborted signal ends the pause between attempts with its reason", async () => {
    const { client, sent } = serverOf(problem(503, "unavailable", { "retry-after": "20" }));
    const controller = new AbortController();
    const call = client.get("/api/v1/batches", { signal: controller.signal });
    const reason = new Error("no longer needed");
    setTimeout(() => controller.abort(reason), 20);
    await expect(call).rejects.toBe(reason);
    expect(sent).toHaveLength(1);
  });
});

describe("waiting", () => {
  test("waitForBatch sends the ETag, and ends with the batch", async () => {
    const { client, sent } = serverOf(
      json({ state: "processing" }, { headers: { etag: 'W/"1"' } }),
      new Response(null, { status: 304 }),
      json({ state: "completed_with_errors" }),
    );
    const states: string[] = [];
    const batch = await client.waitForBatch("b", { onChange: ({ state }) => states.push(state) });
    expect(batch.state).toBe("completed_with_errors");
    expect(states).toEqual(["processing", "completed_with_errors"]);
    expect(sent.map(({ headers }) => headers.get("if-none-match"))).toEqual([null, 'W/"1"', 'W/"1"']);
  });

  test("waitForTask goes on while the server cannot be reached", async () => {
    const { client } = serverOf(lost(), lost(), lost(), lost(), json({ status: "completed" }));
    expect((await client.waitForTask("t")).status).toBe("completed");
  });

  test("a wait ends at its timeout", async () => {
    const { client } = serverOf(json({ status: "pending" }), new Response(null, { status: 304 }));
    const error = await failure(client.waitForTask("t", { timeoutSeconds: 0.05 }));
    expect(error.code).toBe("timed_out");
    expect(error.message).toBe("The task has not ended after 0.05 seconds. It goes on.");
  });
});
