import { context, type Span } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import pg from "pg";
import { afterAll, beforeEach, expect, inject, test } from "vitest";
import { traceStatements } from "../../../src/platform/tracing/statement-spans.ts";
import { withoutMessages } from "../../../src/platform/tracing/without-messages.ts";
import { databaseUrl } from "../../support/postgres.ts";

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({
  spanProcessors: [withoutMessages, new SimpleSpanProcessor({ exporter })],
});
const tracer = provider.getTracer("test");
const { query } = pg.Client.prototype;
const { connect } = pg.Pool.prototype;
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
traceStatements(tracer);
const pool = new pg.Pool({ connectionString: databaseUrl(inject("serverUrl"), "postgres"), max: 1 });

beforeEach(() => exporter.reset());
afterAll(async () => {
  await pool.end();
  pg.Client.prototype.query = query;
  pg.Pool.prototype.connect = connect;
  context.disable();
});

function inSpan<T>(name: string, work: (span: Span) => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return await work(span);
    } finally {
      span.end();
    }
  });
}

test("statements that wait for the same connection keep their own parents, and those without a span have none", async () => {
  const names = ["first", "second", "third"];
  await Promise.all([
    ...names.map((name) => inSpan(name, () => pool.query(`SELECT '${name}' AS name, pg_sleep(0.01)`))),
    pool.query("SELECT 'untraced'"),
  ]);
  const spans = exporter.getFinishedSpans();
  const parentOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  const statements = spans.filter(({ name }) => name === "SELECT");
  const found = statements.map(({ parentSpanContext, attributes }) => [
    parentOf.get(parentSpanContext?.spanId ?? ""),
    /'(\w+)'/.exec(String(attributes["db.query.text"]))?.[1],
  ]);
  expect(found.sort()).toEqual(names.map((name) => [name, name]).sort());
});

test("the span of a failed statement has its SQLSTATE, and no message", async () => {
  await inSpan("request", async (span) => {
    const failed = await pool.query("SELECT $1::int", ["Ada"]).catch((error: Error) => error);
    expect(failed).toMatchObject({ message: 'invalid input syntax for type integer: "Ada"' });
    span.setStatus({ code: 2, message: String(failed) });
  });
  const [statement, request] = exporter.getFinishedSpans();
  expect(statement).toMatchObject({ status: { code: 2 }, attributes: { "error.type": "22P02" } });
  expect(request?.status).toEqual({ code: 2 });
  expect(JSON.stringify([statement?.attributes, statement?.status, statement?.events])).not.toContain("Ada");
});

test("a statement in a span that has ended has no span", async () => {
  await inSpan("request", async (span) => {
    span.end();
    await pool.query("SELECT 1");
  });
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(["request"]);
});
