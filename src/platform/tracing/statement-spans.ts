/** Spans of SQL statements, with their text and without their values. Wraps the two methods that all statements pass. */
import { finished, Readable, Writable } from "node:stream";
import { context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import pg from "pg";
import { errorType } from "./error-type.ts";

type Method<T> = (this: T, ...args: unknown[]) => unknown;
type Callback = (error: unknown, ...results: unknown[]) => void;

/** Statements outside of a request and a job, such as those that look for jobs, have no spans. */
export function traceStatements(tracer: Tracer): void {
  const connect = pg.Pool.prototype.connect as Method<pg.Pool>;
  const query = pg.Client.prototype.query as Method<pg.Client>;

  // A pool calls back in the context of the statement that frees a connection, which can belong to another request.
  pg.Pool.prototype.connect = function (this: pg.Pool, ...args: unknown[]) {
    return connect.apply(
      this,
      args.map((argument) => bound(argument)),
    );
  } as typeof pg.Pool.prototype.connect;

  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [statement] = args;
    const text = textOf(statement);
    if (text === null || !trace.getActiveSpan()?.isRecording()) return query.apply(this, args);
    const span = tracer.startSpan(verbOf(text), {
      kind: SpanKind.CLIENT,
      attributes: { "db.system.name": "postgresql", "db.query.text": text },
    });
    const callback = args.at(-1);
    if (isCallback(callback)) {
      const ending: Callback = (error, ...results) => {
        end(span, error);
        callback(error, ...results);
      };
      return query.apply(this, [...args.slice(0, -1), bound(ending)]);
    }
    // COPY is a stream.
    if (statement instanceof Readable || statement instanceof Writable)
      finished(statement, (error) => end(span, error));
    const result = query.apply(this, args);
    if (result instanceof Promise)
      result.then(
        () => end(span),
        (error) => end(span, error),
      );
    return result;
  } as typeof pg.Client.prototype.query;
}

function isCallback(value: unknown): value is Callback {
  return typeof value === "function";
}

function bound(value: unknown): unknown {
  return isCallback(value) ? context.bind(context.active(), value) : value;
}

function end(span: Span, error?: unknown): void {
  if (error) span.setAttribute("error.type", errorType(error)).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function textOf(statement: unknown): string | null {
  if (typeof statement === "string") return statement;
  const { text } = (statement ?? {}) as { text?: unknown };
  return typeof text === "string" ? text : null;
}

/** Returns the first word, such as SELECT. */
function verbOf(text: string): string {
  return /[a-z]+/i.exec(text)?.[0].toUpperCase() ?? "statement";
}
