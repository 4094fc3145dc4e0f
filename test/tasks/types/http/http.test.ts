/** Requests of http tasks to receivers on this machine, which fail in every way. */
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { Webhook } from "standardwebhooks";
import { describe, expect, onTestFinished, test } from "vitest";
import type { TaskView } from "../../../../src/tasks/views.ts";
import type { Client, Problem } from "../../../support/client.ts";
import { type Answering, RECEIVER_SETTINGS, Receiver } from "../../../support/receiver.ts";
import { startRowmill } from "../../../support/rowmill.ts";
import { MEASURED, Stopwatch } from "../../../support/stopwatch.ts";
import { history, makeTask, untilEnded, untilTask } from "../../../support/task-client.ts";
import { until } from "../../../support/until.ts";
import { useAdmin, useRowmill } from "../../../support/use-rowmill.ts";

const SECRET = `whsec_${Buffer.from("a key of this test, 24 bytes").toString("base64")}`;

const rowmill = useRowmill({ settings: { ...RECEIVER_SETTINGS, HTTP_TASKS: "all" }, worker: true });
const admin = useAdmin(rowmill);

interface Result {
  readonly message: string;
  readonly status: number | null;
  readonly headers: Record<string, string>;
  readonly body: unknown;
  readonly body_format: string | null;
  readonly is_truncated: boolean;
  readonly ms: number | null;
  readonly attempts: {
    number: number;
    at: string;
    status: number | null;
    ms: number | null;
    error: string | null;
  }[];
}

const resultOf = ({ result }: TaskView) => result as unknown as Result;

async function receive(answer?: Answering): Promise<Receiver> {
  const receiver = await Receiver.start(answer);
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  return receiver;
}

const LONG = "x".repeat(262_145);

const QUICK = { min_seconds: 1, factor: 1, jitter: 0 };

const makeHttp = (user: Client, params: object, more: object = {}) =>
  makeTask(user, { type: "http", params: { backoff: QUICK, ...params }, ...more });

const run = async (user: Client, params: object, more: object = {}) =>
  untilEnded(user, (await makeHttp(user, params, more)).id);

const refused = (user: Client, params: object, more: object = {}) =>
  user.post<Problem>("/api/v1/tasks", { type: "http", params, ...more });

describe("the request", () => {
  test("the request has the body as JSON, the own headers, the identity of the task, and a signature", async () => {
    await admin.put("/api/v1/admin/secrets/SIGNING", { value: SECRET });
    await admin.put("/api/v1/admin/secrets/API_KEY", { value: "key-51f8c0a7" });
    const receiver = await receive();
    const headers = { "X-Tenant": "shop", authorization: "Bearer {{secret:API_KEY}}" };
    const task = await run(admin, {
      url: receiver.url,
      body: { order: 4711 },
      headers,
      sign_with: "SIGNING",
    });
    expect(task).toMatchObject({ status: "completed", queue: "http", params: { headers } });
    const [request] = receiver.requests;
    expect(request?.body).toBe('{"order":4711}');
    const id = `task_${task.id.replaceAll("-", "")}`;
    expect(request?.headers).toMatchObject({
      "content-type": "application/json",
      "x-tenant": "shop",
      authorization: "Bearer key-51f8c0a7",
      "webhook-id": id,
      "rowmill-task-id": task.id,
      "rowmill-attempt": "1",
      "rowmill-scheduled-at": task.due_at,
      "user-agent": expect.stringMatching(/^Rowmill\/\d/),
    });
    expect(request?.headers).not.toHaveProperty("rowmill-previous-status");
    expect(
      new Webhook(SECRET).verify(request?.body ?? "", request?.headers as Record<string, string>),
    ).toEqual({
      order: 4711,
    });
  });

  test.each([
    ["GET", {}, "", undefined],
    ["DELETE", {}, "", undefined],
    [
      "PUT",
      { body: "<order/>", headers: { "content-type": "application/xml" } },
      "<order/>",
      "application/xml",
    ],
    ["PATCH", { body: "text" }, "text", "text/plain; charset=utf-8"],
    ["POST", { body_base64: "AAEC" }, "\u0000\u0001\u0002", "application/octet-stream"],
    ["POST", { body: null }, "null", "application/json"],
  ])("%s with %j sends this body with its media type", async (method, params, body, mediaType) => {
    const receiver = await receive();
    const task = await run(admin, { url: receiver.url, method, ...params });
    expect(task.status).toBe("completed");
    expect(receiver.requests[0]?.body).toBe(body);
    expect(receiver.requests[0]?.headers["content-type"]).toBe(mediaType);
  });

  test("streams a file of several chunks as its body, with its length and a signature", async () => {
    await admin.put("/api/v1/admin/secrets/SIGNING", { value: SECRET });
    const receiver = await receive();
    const content = "0123456789".repeat(300_000);
    const { body: file } = await admin.form<{ id: string }>(
      "POST",
      "/api/v1/files",
      { file: Buffer.from(content) },
      "big.txt",
    );
    const task = await run(admin, { url: receiver.url, sign_with: "SIGNING" }, { file_id: file.id });
    expect(task).toMatchObject({ status: "completed" });
    const [request] = receiver.requests;
    expect(request?.body === content).toBe(true);
    expect(request?.headers["content-length"]).toBe("3000000");
    expect(request?.headers["content-type"]).toContain("text/plain");
    const id = String(request?.headers["webhook-id"]);
    const at = Number(request?.headers["webhook-timestamp"]);
    const signature = new Webhook(SECRET).sign(id, new Date(at * 1000), content);
    expect(request?.headers["webhook-signature"]).toBe(signature);
  });

  test.each([
    [{}, "params.url"],
    [{ url: "ftp://example.com" }, "params.url"],
    [{ url: "http://10.0.0.1/" }, "params.url"],
    [{ url: "https://example.com:22/" }, "params.url"],
    [{ url: "https://a:b@example.com/" }, "params.url"],
    [{ url: "https://example.com/", headers: { "Webhook-Id": "1" } }, "params.headers"],
    [{ url: "https://example.com/", headers: { "rowmill-attempt": "1" } }, "params.headers"],
    [{ url: "https://example.com/", headers: { host: "internal" } }, "params.headers"],
    [{ url: "https://example.com/", headers: { a: "x\r\ny: z" } }, "params.headers.a"],
    [{ url: "https://example.com/", headers: { a: "{{secret:NOBODY}}" } }, "params.headers"],
    [{ url: "https://example.com/", headers: { a: "{{secret:nobody}}" } }, "params.headers"],
    [{ url: "https://example.com/", sign_with: "NOBODY" }, "params.sign_with"],
    [{ url: "https://example.com/?key={{secret:NOBODY}}" }, "params.url"],
    [{ url: "https://example.com/", body: { key: ["{{secret:NOBODY}}"] } }, "params.body"],
    [{ url: "https://example.com/", method: "GET", body: {} }, "params.body"],
    [{ url: "https://example.com/", body: {}, body_base64: "AAEC" }, "params.body_base64"],
    [{ url: "https://example.com/", body_base64: "AAE" }, "params.body_base64"],
    [{ url: "https://example.com/", body: LONG }, "params.body"],
    [{ url: "https://example.com/", timeout_seconds: 601 }, "params.timeout_seconds"],
    [{ url: "https://example.com/", success: ["all"] }, "params.success.0"],
    [
      { url: "https://example.com/", backoff: { min_seconds: 60, max_seconds: 5 } },
      "params.backoff.min_seconds",
    ],
    [{ url: "https://example.com/", rate: { per_second: 0 } }, "params.rate.per_second"],
  ])("with wrong parameters is refused, and the error names the field: %#", async (params, field) => {
    const { status, body } = await refused(admin, params);
    expect(body).toMatchObject({ field_errors: { [field]: [expect.any(String)] } });
    expect(status).toBe(400);
  });
});

describe("the answer", () => {
  test("becomes the result: its status, some headers, and its body as JSON", async () => {
    const receiver = await receive((response) => {
      const headers = { "content-type": "application/json", "set-cookie": "session=1", etag: '"7"' };
      response.writeHead(201, headers).end('{"id":7,"tags":["a\\u0000b"]}');
    });
    const task = await run(admin, { url: receiver.url });
    expect(resultOf(task)).toMatchObject({
      message: expect.stringMatching(/^The host answered 201 after \d+ ms\.$/),
      ...{ status: 201, body: { id: 7, tags: ["a\ufffdb"] }, body_format: "json", is_truncated: false },
      attempts: [{ number: 1, at: expect.any(String), status: 201, ms: expect.any(Number), error: null }],
    });
    expect(resultOf(task).headers).toMatchObject({ "content-type": "application/json", etag: '"7"' });
    expect(resultOf(task).headers).not.toHaveProperty("set-cookie");
  });

  test.each([
    ["text", "text/plain", Buffer.from("done"), "text", "done"],
    ["invalid JSON", "application/json", Buffer.from("{"), "text", "{"],
    [
      "deep JSON",
      "application/json",
      Buffer.from("[".repeat(5000) + "]".repeat(5000)),
      "text",
      "[".repeat(5000) + "]".repeat(5000),
    ],
    [
      "binary",
      "application/gzip",
      gzipSync("x").fill(255, 10, 12),
      "base64",
      gzipSync("x").fill(255, 10, 12).toString("base64"),
    ],
    ["nothing", "application/json", Buffer.alloc(0), "text", ""],
  ])("%s is kept", async (_, type, body, format, kept) => {
    const receiver = await receive((response) => response.setHeader("content-type", type).end(body));
    expect(resultOf(await run(admin, { url: receiver.url }))).toMatchObject({
      body: kept,
      body_format: format,
    });
  });

  test("an answer of many megabytes is cut after 64 KiB, and the rest is not read", async () => {
    let sent = 0;
    const receiver = await receive((response) => {
      const part = Buffer.alloc(65_536, "é");
      const write = () => {
        while (!response.destroyed && sent < 200 * 2 ** 20) {
          sent += part.length;
          if (!response.write(part)) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    });
    const result = resultOf(await run(admin, { url: receiver.url }));
    expect(result).toMatchObject({ status: 200, is_truncated: true, body_format: "text" });
    expect(result.body).toBe("é".repeat(32_768));
    expect(sent).toBeLessThan(30 * 2 ** 20);
  });

  test("never shows a secret of the request, also in other notations, and neither does anything else that is stored", async () => {
    await admin.put("/api/v1/admin/secrets/ECHOED", { value: "visible nowhere 123" });
    const receiver = await receive((response, { headers }) => {
      const got = String(headers.authorization);
      response
        .writeHead(500, {
          location: `https://example.com/?t=${encodeURIComponent(got)}`,
          "x-request-id": got,
        })
        .end(JSON.stringify([got, btoa(got.slice("Bearer ".length)), encodeURIComponent(got)]));
    });
    const headers = { authorization: "Bearer {{secret:ECHOED}}" };
    const task = await run(admin, { url: receiver.url, headers }, { max_retries: 1 });
    expect(task).toMatchObject({ status: "failed", error_code: "http_status" });
    expect(receiver.requests[1]?.headers.authorization).toBe("Bearer visible nowhere 123");
    expect(JSON.stringify(resultOf(task))).toContain("[redacted]");
    const { rows } = await rowmill.ctx.pool.query<{ line: string }>(`
      SELECT row_to_json(t)::text AS line FROM rowmill.tasks AS t UNION ALL SELECT row_to_json(t)::text FROM rowmill.task_events AS t
      UNION ALL SELECT row_to_json(t)::text FROM rowmill.task_stacks AS t UNION ALL SELECT row_to_json(t)::text FROM rowmill.secrets AS t
      UNION ALL SELECT data::text || output::text FROM rowmill_queue.job`);
    for (const { line } of rows)
      expect(line ?? "").not.toMatch(/visible nowhere|visible%20nowhere|dmlzaWJsZSBub3do/);
  });
});

test("the key of a signature is hidden in other notations as well", async () => {
  await admin.put("/api/v1/admin/secrets/SIGNING", { value: "signs?every request" });
  const receiver = await receive((response) =>
    response.end(`${btoa("signs?every request")} ${encodeURIComponent("signs?every request")}`),
  );
  const task = await run(admin, { url: receiver.url, sign_with: "SIGNING" });
  expect(resultOf(task).body).toBe("[redacted]== [redacted]");
});

describe("an answer that is no success", () => {
  test.each([400, 401, 403, 404, 409, 410, 413, 422, 489])("%i ends the task at once", async (status) => {
    const receiver = await receive((response) => response.writeHead(status).end("no"));
    const task = await run(admin, { url: receiver.url });
    expect(task).toMatchObject({
      status: "failed",
      error_code: "http_status",
      error_message: `The host answered ${status}.`,
    });
    expect(resultOf(task)).toMatchObject({
      status,
      body: "no",
      attempts: [{ status, error: `The host answered ${status}.` }],
    });
    expect(receiver.requests).toHaveLength(1);
  });

  test("an answer that is no success is retried if a later one may differ, with the same id and the next number", async () => {
    const codes = [408, 425, 429, 500, 501, 502, 503, 504, 599];
    const tries = codes.map(async (status) => {
      const receiver = await receive((response) => {
        response.writeHead(receiver.requests.length === 1 ? status : 200).end();
      });
      const task = await run(admin, { url: receiver.url });
      expect(task, String(status)).toMatchObject({ status: "completed", retry_count: 1 });
      const [first, second] = receiver.requests.map(({ headers }) => headers);
      expect(second?.["webhook-id"]).toBe(first?.["webhook-id"]);
      expect(second).toMatchObject({ "rowmill-attempt": "2", "rowmill-previous-status": String(status) });
      expect(second?.["rowmill-scheduled-at"]).toBe(first?.["rowmill-scheduled-at"]);
      expect(resultOf(task).attempts).toMatchObject([
        { number: 1, status },
        { number: 2, status: 200, error: null },
      ]);
      const events = ["created", "queued", "started", "retrying", "started", "completed"];
      expect(await history(admin, task.id)).toEqual(events);
    });
    await Promise.all(tries);
  });

  test("an answer that is no success can be made a success or worth a retry by the parameters", async () => {
    const receiver = await receive((response) => response.writeHead(404).end());
    expect(await run(admin, { url: receiver.url, success: ["200", "404"] })).toMatchObject({
      status: "completed",
    });
    const retried = await run(admin, { url: receiver.url, retry_4xx: true }, { max_retries: 1 });
    expect(retried).toMatchObject({ status: "failed", retry_count: 1 });
    const strict = await receive((response) => response.writeHead(202).end());
    expect(await run(admin, { url: strict.url, success: ["200"] })).toMatchObject({
      status: "failed",
      retry_count: 0,
    });
  });

  test.each([301, 302, 303, 307, 308])("a redirect with %i is never followed", async (status) => {
    const other = await receive();
    const receiver = await receive((response) => response.writeHead(status, { location: other.url }).end());
    const task = await run(admin, { url: receiver.url });
    expect(task).toMatchObject({ status: "failed", error_code: "http_redirect" });
    expect(task.error_message).toContain(other.url);
    expect(other.requests).toEqual([]);
  });

  test.each([
    ["seconds", () => "2"],
    ["a date", () => new Date(Date.now() + 3000).toUTCString()],
  ])("Retry-After as %s delays the retry, and other requests to the host", async (_, retryAfter) => {
    const receiver = await receive((response) => {
      if (receiver.requests.length === 1) response.writeHead(503, { "retry-after": retryAfter() }).end();
      else response.end();
    });
    const user = await rowmill.newUser();
    const first = await makeHttp(user, { url: receiver.url });
    await untilTask(user, first.id, "will be retried", ({ retry_count }) => retry_count > 0);
    const second = await makeHttp(user, { url: receiver.url });
    expect((await untilEnded(user, first.id)).status).toBe("completed");
    expect((await untilEnded(user, second.id)).status).toBe("completed");
    const [start = 0, ...later] = receiver.requests.map(({ at }) => at);
    for (const at of later) expect(at - start).toBeGreaterThan(1500);
  });

  test("no retry starts after max_duration_seconds", async () => {
    const receiver = await receive((response) => response.writeHead(500).end());
    const task = await run(admin, { url: receiver.url, max_duration_seconds: 2 }, { max_retries: 20 });
    expect(task).toMatchObject({
      status: "failed",
      error_message: expect.stringContaining("max_duration_seconds (2)"),
    });
    expect(receiver.requests.length).toBeLessThanOrEqual(3);
    // A request to retry begins anew.
    receiver.answer = (response) => response.end("ok");
    await admin.post(`/api/v1/tasks/${task.id}/retry`);
    const again = await untilTask(admin, task.id, "has completed", ({ status }) => status === "completed");
    expect(resultOf(again).attempts.at(-1)?.number).toBe(receiver.requests.length);
  });
});

describe("no answer", () => {
  const failing = async (params: object) => {
    const task = await run(admin, params, { max_retries: 0 });
    return [task.status, task.error_code, resultOf(task).attempts[0]?.error];
  };

  test("an attempt without an answer within timeout_seconds fails", async () => {
    const receiver = await receive(() => {});
    expect(await failing({ url: receiver.url, timeout_seconds: 1 })).toEqual([
      "failed",
      "http_timeout",
      "No answer within 1 s.",
    ]);
  });

  test("headers that come in drips do not extend the time of an attempt", async () => {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("x-a: b\r\n"), 200);
      socket.on("close", () => clearInterval(timer));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    expect(await failing({ url: `http://127.0.0.1:${port}/`, timeout_seconds: 1 })).toEqual([
      "failed",
      "http_timeout",
      "No answer within 1 s.",
    ]);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test("an answer whose body never ends counts by its status", async () => {
    const receiver = await receive((response) => void response.writeHead(200).write("begin"));
    const task = await run(admin, { url: receiver.url, timeout_seconds: 1 });
    expect(resultOf(task)).toMatchObject({ status: 200, body: "begin" });
  });

  test("an attempt whose connection is closed or refused, or speaks no TLS, fails with the cause", async () => {
    const closing = await receive((response) => response.destroy());
    expect(await failing({ url: closing.url })).toMatchObject([
      "failed",
      "http_unreachable",
      expect.stringContaining("closed"),
    ]);
    const gone = await Receiver.start();
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    expect(await failing({ url })).toEqual(["failed", "http_unreachable", "The connection was refused."]);
    const plain = await receive();
    expect(await failing({ url: plain.url.replace("http:", "https:") })).toMatchObject([
      "failed",
      "http_unreachable",
      expect.stringContaining("TLS"),
    ]);
    expect(plain.requests).toEqual([]);
  });

  test("a name that leads to an address that is not allowed fails the task for good", async () => {
    await using guarded = await startRowmill({
      WEBHOOK_ALLOW_HTTP: "true",
      HTTP_TASKS: "all",
    });
    await guarded.startWorker();
    const user = await guarded.newUser();
    const receiver = await receive();
    const url = receiver.url.replace("127.0.0.1", "localhost");
    const task = await run(user, { url }, { max_retries: 5 });
    expect(task).toMatchObject({ status: "failed", error_code: "http_refused", retry_count: 0 });
    expect(task.error_message).toContain("not on the public internet");
    expect(receiver.requests).toEqual([]);
  });
});

describe("a running request", () => {
  test(
    "a running request is aborted within a second after its task was cancelled, and the next task gets its slot",
    MEASURED,
    async () => {
      using watch = new Stopwatch();
      const closed: number[] = [];
      const receiver = await receive((response) => response.on("close", () => closed.push(watch.ms)));
      const { id } = await makeHttp(admin, { url: receiver.url, timeout_seconds: 60, concurrency: 1 });
      const next = await makeHttp(admin, { url: receiver.url, concurrency: 1 });
      await receiver.received(1);
      const at = watch.ms;
      await admin.post(`/api/v1/tasks/${id}/cancel`);
      await until("the request is aborted", async () => closed.length > 0);
      expect((closed[0] ?? 0) - at).toBeLessThan(1500);
      receiver.answer = (response) => response.end();
      expect(await untilEnded(admin, id)).toMatchObject({ status: "cancelled" });
      await receiver.received(2);
      await admin.post(`/api/v1/tasks/${next.id}/cancel`);
    },
  );
});
