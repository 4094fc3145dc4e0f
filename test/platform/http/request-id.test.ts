import { Writable } from "node:stream";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { createApp } from "../../../src/app.ts";
import { authenticate } from "../../../src/platform/http/auth.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NAMED = "client-1.A_b";

describe("x-request-id", () => {
  test.each([
    ["a page", "/livez", 200],
    ["the OpenAPI document", "/openapi.json", 200],
    ["an answer without a proof", "/api/v1/batches", 401],
    ["a path without a route", "/nowhere", 404],
    ["a URL that cannot be decoded", "/api/v1/batches/%zz", 400],
    ["a parameter that is too long", `/api/v1/batches/${"a".repeat(200)}`, 404],
  ])("the request id of %s is the client's, or a UUIDv7", async (_, path, status) => {
    const named = await rowmill.app.inject({ url: path, headers: { "x-request-id": NAMED } });
    expect([named.statusCode, named.headers["x-request-id"]]).toEqual([status, NAMED]);
    const unnamed = await rowmill.app.inject(path);
    expect(unnamed.headers["x-request-id"]).toMatch(UUID_V7);
  });

  test.each([
    ["empty", ""],
    ["too long", "a".repeat(129)],
    ["not of plain characters", "a b"],
    ["quoted", '"a"'],
  ])("a request id that is %s is replaced", async (_, given) => {
    const { headers } = await rowmill.app.inject({ url: "/livez", headers: { "x-request-id": given } });
    expect(headers["x-request-id"]).toMatch(UUID_V7);
  });

  test("a request id of 128 characters is accepted", async () => {
    const given = "a".repeat(128);
    const { headers } = await rowmill.app.inject({ url: "/livez", headers: { "x-request-id": given } });
    expect(headers["x-request-id"]).toBe(given);
  });

  test("streams and downloads have a request id", async () => {
    const user = await rowmill.newUser();
    const { body: batch } = await user.upload("title,author\nEmma,Austen\n");
    const headers = { authorization: `Bearer ${user.token}`, "x-request-id": NAMED };
    for (const path of ["events", "results/all.csv"]) {
      const leave = new AbortController();
      const answer = await fetch(`${rowmill.url}/api/v1/batches/${batch.id}/${path}`, {
        headers,
        signal: leave.signal,
      });
      expect([path, answer.headers.get("x-request-id")]).toEqual([path, NAMED]);
      leave.abort();
    }
  });
});

describe("in the log and in errors", () => {
  async function appWithLog() {
    const lines: string[] = [];
    const stream = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk));
        done();
      },
    });
    const app = await createApp({ ...rowmill.ctx, log: pino({ level: "trace" }, stream) });
    return { app, logged: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
  }

  test("the request id is in each log line of the request and in the body of a 500", async () => {
    const { app, logged } = await appWithLog();
    await using _closing = { [Symbol.asyncDispose]: () => app.close() };
    app.get("/fails", ({ ctx }) => {
      ctx.log.info("a verb logs");
      throw new Error("a secret");
    });
    const answer = await app.inject({ url: "/fails", headers: { "x-request-id": NAMED } });
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({
      request_id: NAMED,
      detail: `Internal error. It has been logged with request id ${NAMED}.`,
    });
    expect(logged()).toMatchObject([
      { requestId: NAMED, msg: "a verb logs" },
      { requestId: NAMED, msg: "request failed", err: { message: "a secret" } },
    ]);
    expect((await app.inject("/nowhere")).json()).not.toHaveProperty("request_id");
  });

  test("the context of a request has its actor and its request id", async () => {
    const { app } = await appWithLog();
    await using _closing = { [Symbol.asyncDispose]: () => app.close() };
    app.get("/public", ({ ctx: { actor, requestId } }) => ({ actor, requestId }));
    app.get("/private", { onRequest: authenticate(rowmill.config) }, ({ ctx: { actor } }) => ({ actor }));
    const user = await rowmill.newUser();
    const headers = { "x-request-id": NAMED, authorization: `Bearer ${user.token}` };
    expect((await app.inject({ url: "/public", headers })).json()).toEqual({ actor: null, requestId: NAMED });
    const { actor } = (await app.inject({ url: "/private", headers })).json();
    expect(actor).toMatchObject({ id: user.userId, role: "user" });
  });
});
