/** Requests that are refused for their method, their form or the time that their body takes. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { describe, expect, test } from "vitest";
import { FIELD_LIMITS, MAX_FORM_BYTES } from "../../../src/platform/http/form-fields.ts";
import { BULK_MAX_BYTES } from "../../../src/tasks/create/task-body.ts";
import type { Problem } from "../../support/client.ts";
import { jsonHead, RawConnection } from "../../support/raw-connection.ts";
import { BOUNDARY, END, MULTIPART, partHead, sendRaw } from "../../support/raw-upload.ts";
import { atEnd, startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

describe("a wrong method", () => {
  test.for([
    ["PUT", "/api/v1/batches", "GET, HEAD, POST"],
    ["POST", "/api/v1/tasks/stats", "DELETE, GET, HEAD"],
    ["PATCH", "/api/v1/books/", "GET, HEAD, POST"],
    ["GET", "/api/v1/auth/login?next=x", "POST"],
    ["DELETE", "/livez", "GET, HEAD"],
    ["GET", "/bulk-upload/", "POST"],
    ["PUT", "/books/7/edit", "POST"],
    ["DELETE", "/api/tasks/create_task/", "DELETE, GET, HEAD, POST"],
    ["POST", "/openapi.json", "GET, HEAD"],
  ])(
    "%s %s gets 405 with the methods of the path, or is routed",
    async ([method = "", path = "", allowed]) => {
      const response = await fetch(rowmill.url + path, { method });
      if (allowed?.split(", ").includes(method)) return expect(response.status).toBe(401);
      expect([response.status, response.headers.get("allow")]).toEqual([405, allowed]);
      expect(response.headers.get("content-type")).toContain("application/problem+json");
      expect(await response.json()).toMatchObject({ code: "method_not_allowed", status: 405 });
    },
  );

  test("TRACE is refused", async () => {
    const traced = request(`${rowmill.url}/livez`, { method: "TRACE" }).end();
    const [response] = (await once(traced, "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(405);
  });

  test("a path without a route gets 404", async () => {
    expect((await fetch(`${rowmill.url}/api/v1/nothing`, { method: "PUT" })).status).toBe(404);
  });
});

test("an empty body with the Content-Type of JSON counts as an empty object", async () => {
  const user = await rowmill.newUser();
  const send = (method: string, path: string) =>
    fetch(rowmill.url + path, {
      method,
      headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
    });
  const created = await user.post<{ id: string }>("/api/v1/tasks", {
    type: "generic",
    params: { seconds: 60 },
  });
  const cancelled = await send("POST", `/api/v1/tasks/${created.body.id}/cancel`);
  expect(cancelled.status).toBe(200);
  expect((await send("DELETE", `/api/v1/tasks/${created.body.id}`)).status).toBe(204);
  const refused = await send("POST", "/api/v1/tasks");
  expect(await refused.json()).toMatchObject({ status: 400, field_errors: { type: expect.anything() } });
});

describe("a form", () => {
  const file = `${partHead()}title,author\nEmma,Jane Austen\n${END}`;
  const field = (name: string, value: string) =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

  test("a boundary that is too long gets 400", async () => {
    const user = await rowmill.newUser();
    const boundary = "b".repeat(300);
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
    for (const path of ["/api/v1/batches", "/api/v1/books", "/api/v1/files", "/bulk-upload/", "/books/"]) {
      const { status, body } = await sendRaw<Problem>(
        user,
        file.replaceAll(BOUNDARY, boundary),
        headers,
        path,
      );
      expect([path, status, body.code]).toEqual([path, 400, "invalid_input"]);
      expect(body.detail).toContain("boundary");
    }
  });

  test.for([
    ["/api/v1/batches", "mapping"],
    ["/api/v1/files", "path"],
    ["/bulk-upload/", "note"],
    ["/api/v1/books", "note"],
    ["/books/", "note"],
  ] as const)(
    "the fields of a form to %s are limited together, in number and in size",
    async ([path, name]) => {
      const user = await rowmill.newUser();
      const large = field(name, "x".repeat(300_000)).repeat(2);
      const many = field(name, "x").repeat(FIELD_LIMITS.fields + 1);
      for (const [fields, limit] of [
        [large, `${MAX_FORM_BYTES} bytes`],
        [many, `${FIELD_LIMITS.fields} fields`],
      ]) {
        const { status, body } = await sendRaw<Problem>(user, fields + file, undefined, path);
        expect([status, body.code]).toEqual([413, "too_large"]);
        expect(body.detail).toContain(limit);
      }
    },
  );

  test("a field that is too long is refused by its name, and an unknown one whatever its length", async () => {
    const user = await rowmill.newUser();
    const long = "x".repeat(FIELD_LIMITS.fieldSize + 1);
    const known = await sendRaw<Problem>(user, field("mapping", long) + file);
    expect([known.status, Object.keys(known.body.field_errors)]).toEqual([413, ["mapping"]]);
    const longName = field("n".repeat(5000), "x");
    for (const unknown of [field("note", long), longName]) {
      const { status, body } = await sendRaw<Problem>(user, unknown + file);
      expect([status, body.detail]).toEqual([400, expect.stringContaining("Unknown field.")]);
      expect((await sendRaw(user, unknown + file, undefined, "/bulk-upload/")).status).toBe(202);
    }
  });
});

test("a client that is refused in the middle of a file can send the rest, and use its connection again", async () => {
  const user = await rowmill.newUser();
  const wide = `"${"x".repeat(2_000_000)}",b\n`;
  const lines = "Emma,Jane Austen\n".repeat(100_000);
  const body = Buffer.from(`${partHead()}title,author\n${lines}${wide}${lines.repeat(5)}${END}`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  atEnd(async () => agent.destroy());
  for (const isReused of [false, true]) {
    const sending = request(`${rowmill.url}/api/v1/batches`, {
      agent,
      method: "POST",
      headers: { ...MULTIPART, authorization: `Bearer ${user.token}`, "content-length": body.length },
    });
    const sent = once(sending, "finish");
    sending.end(body);
    const [response] = (await once(sending, "response")) as [IncomingMessage];
    expect([response.statusCode, sending.reusedSocket]).toEqual([413, isReused]);
    response.resume();
    await Promise.all([sent, once(response, "end")]);
  }
});

describe("a body of JSON", () => {
  const login = "/api/v1/auth/login";

  test.for([
    [login, 30_000],
    ["/api/v1/auth/refresh", 30_000],
    ["/api/v1/nothing", 20_000],
  ] as const)("to %s can have only as many bytes as the endpoint needs", async ([path, bytes]) => {
    const body = JSON.stringify({ username: "x".repeat(bytes), password: "y" });
    const response = await fetch(rowmill.url + path, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(413);
    expect(await response.text()).toMatch(/larger than \d+ bytes, the limit of this endpoint/);
  });

  test("a client that sends a large body to the end can read the refusal", async () => {
    const response = await fetch(rowmill.url + login, {
      method: "POST",
      body: "x".repeat(8_000_000),
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(413);
  });

  test("a body that is not sent within BODY_TIMEOUT_SECONDS gets 408, and its connection is closed", async () => {
    await using slow = await startRowmill({ BODY_TIMEOUT_SECONDS: "1" });
    for (const framing of ["content-length: 100", "transfer-encoding: chunked"]) {
      using connection = await RawConnection.open(slow.url);
      connection.write(`${jsonHead(login, framing)}${framing.includes("chunked") ? "1\r\n{\r\n" : "{"}`);
      const answer = await until("the request is refused", async () => connection.answer);
      expect(answer.status).toBe(408);
      expect(JSON.parse(answer.body)).toMatchObject({
        code: "too_slow",
        detail: expect.stringContaining("BODY_TIMEOUT_SECONDS"),
      });
      await until("the connection is closed", async () => connection.isClosed);
    }
  });

  test("the largest body that any route allows fits into the share of one requester", async () => {
    const user = await rowmill.newUser();
    const fields = { text: "x".repeat(4 * rowmill.ctx.config.cellMaxBytes + 65_000) };
    const path = `/api/v1/batches/${randomUUID()}/rows/2`;
    expect((await user.patch(path, { fields })).status).toBe(404);
  });

  test("one requester can hold only a share of BODY_MEMORY_BYTES", async () => {
    await using small = await startRowmill({
      BODY_MEMORY_BYTES: String(16 * 2 ** 20),
      PICTURE_MAX_BYTES: "1000",
    });
    const user = await small.newUser();
    const other = await small.newUser();
    const headers = `authorization: Bearer ${user.token}\r\n`;
    using stack = new DisposableStack();
    // The largest body fits into a share, so two of more than half its size do not.
    const body = " ".repeat(BULK_MAX_BYTES * 0.6);
    const connections: RawConnection[] = [];
    for (let n = 0; n < 2; n++) {
      const connection = stack.use(await RawConnection.open(small.url));
      connection.write(
        jsonHead("/api/v1/tasks/bulk", `content-length: ${body.length}`, headers) + body.slice(0, -1),
      );
      connections.push(connection);
    }
    const refused = await until(
      "one is refused",
      async () => connections.find(({ answer }) => answer)?.answer ?? null,
    );
    expect(refused.status).toBe(429);
    expect(refused.head.toLowerCase()).toContain("retry-after: ");
    expect(JSON.parse(refused.body).detail).toContain("BODY_MEMORY_BYTES");
    expect((await other.post("/api/v1/tasks", { type: "generic", title: "t" })).status).toBe(201);
  });
});

test("a connection beyond CONNECTIONS_PER_ADDRESS gets 429, and a closed one makes room", async () => {
  await using small = await startRowmill({ CONNECTIONS_PER_ADDRESS: "3" });
  using stack = new DisposableStack();
  const open = [];
  for (let n = 0; n < 3; n++) open.push(stack.use(await RawConnection.open(small.url)));
  using refused = await RawConnection.open(small.url);
  const answer = await until("it is refused", async () => refused.answer);
  expect(answer.status).toBe(429);
  expect(answer.head).toContain("Retry-After: ");
  expect(JSON.parse(answer.body).detail).toContain("CONNECTIONS_PER_ADDRESS");
  open[0]?.[Symbol.dispose]();
  await until("there is room", async () => {
    using next = await RawConnection.open(small.url);
    next.write("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    await until("an answer", async () => next.answer);
    return next.answer?.status === 200;
  });
});

test("the connections of a trusted proxy are not limited", async () => {
  await using proxied = await startRowmill({ CONNECTIONS_PER_ADDRESS: "1", TRUST_PROXY: "loopback" });
  using _first = await RawConnection.open(proxied.url);
  expect((await proxied.client.get("/livez")).status).toBe(200);
});
