/** Tracing with OpenTelemetry. It is global in the process, so open it once. */
import { setTimeout as sleep } from "node:timers/promises";
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import packageJson from "../../../package.json" with { type: "json" };
import type { TracingConfig } from "../../config/tracing-settings.ts";
import type { Log } from "../log.ts";
import { errorType } from "./error-type.ts";
import { openExporter } from "./exporter.ts";
import { followRequests } from "./request-spans.ts";
import { traceStatements } from "./statement-spans.ts";
import type { Tracing } from "./tracing.ts";
import { withoutMessages } from "./without-messages.ts";

/** Longer texts of statements are cut. */
const MAX_ATTRIBUTE_CHARACTERS = 1000;
/** With spans of about 2 kB, 4 MB. More spans are dropped until the collector has taken these. */
const MAX_WAITING_SPANS = 2048;
/** A collector that does not answer must not hold up the end of the program. */
const CLOSE_MS = 3000;

const KINDS = { client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL };

/** @param service the name of the service, unless OTEL_SERVICE_NAME is set */
export async function openTelemetry(config: TracingConfig, service: string, log: Log): Promise<Tracing> {
  const named = {
    "service.name": service,
    "service.version": packageJson.version,
    "process.pid": process.pid,
  };
  const fromEnvironment = envDetector.detect().attributes ?? {};
  const exporter = await openExporter(config, log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ ...named, ...fromEnvironment }),
    sampler: samplerOf(config),
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_CHARACTERS },
    spanProcessors: [withoutMessages, new BatchSpanProcessor({ exporter, maxQueueSize: MAX_WAITING_SPANS })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const tracer = provider.getTracer("rowmill", packageJson.version);
  traceStatements(tracer);
  return {
    span(name, { kind, parent, attributes = {} }, work) {
      const outer = contextOf(parent);
      const span = tracer.startSpan(name, { kind: KINDS[kind], attributes }, outer);
      const fail = (error: unknown) => {
        span.setAttribute("error.type", errorType(error)).setStatus({ code: SpanStatusCode.ERROR });
      };
      return context.with(trace.setSpan(outer, span), async () => {
        try {
          return await work(fail);
        } catch (error) {
          fail(error);
          throw error;
        } finally {
          span.end();
        }
      });
    },
    traceparent() {
      const carrier: { traceparent?: string } = {};
      propagation.inject(context.active(), carrier);
      return carrier.traceparent ?? null;
    },
    logFields() {
      const span = trace.getActiveSpan()?.spanContext();
      return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
    },
    followRequests: (app) => followRequests(app, provider),
    async close() {
      await Promise.race([provider.shutdown().catch(() => {}), sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

function contextOf(parent: string | null | undefined) {
  if (parent === undefined) return context.active();
  return parent === null ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent: parent });
}

function samplerOf({ sampler, ratio }: TracingConfig): Sampler {
  const root = sampler.endsWith("always_off")
    ? new AlwaysOffSampler()
    : sampler.endsWith("traceidratio")
      ? new TraceIdRatioBasedSampler(ratio)
      : new AlwaysOnSampler();
  return sampler.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}
