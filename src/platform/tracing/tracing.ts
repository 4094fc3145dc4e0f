/** Traces of requests, jobs and statements, as the rest of Rowmill sees them. */
import type { FastifyInstance } from "fastify";

interface SpanOptions {
  readonly kind: "client" | "consumer" | "internal";
  /** A `traceparent`; null: the span begins a trace. Absent: its parent is the current span. */
  readonly parent?: string | null;
  /** Ids, names and numbers. No personal data. */
  readonly attributes?: Readonly<Record<string, string | number>>;
}

export interface Tracing {
  /** Runs `work` in a span, which ends with it. A span whose work throws has failed; `fail` is for errors that it catches. */
  span<T>(
    name: string,
    options: SpanOptions,
    work: (fail: (error: unknown) => void) => Promise<T>,
  ): Promise<T>;
  /** Returns the current span as a W3C `traceparent`; null outside of spans. */
  traceparent(): string | null;
  /** Returns the ids of the current span, for log lines. */
  logFields(): Record<string, string>;
  /** Runs each request in a span. Call it before the app has hooks and routes. */
  followRequests(app: FastifyInstance): Promise<void>;
  /** Sends the spans that have ended, within a deadline. */
  close(): Promise<void>;
}

export const noTracing: Tracing = {
  span: (_name, _options, work) => work(() => {}),
  traceparent: () => null,
  logFields: () => ({}),
  followRequests: async () => {},
  close: async () => {},
};
