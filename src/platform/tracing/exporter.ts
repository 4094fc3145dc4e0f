/** Sends spans to a collector. One that is down delays nothing: spans wait in memory, and are dropped if they are too many. */
import { setGlobalErrorHandler } from "@opentelemetry/core";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { TracingConfig } from "../../config/tracing-settings.ts";
import type { Log } from "../log.ts";

/** Between two warnings about a collector that is down. */
const WARN_EVERY_MS = 600_000;

export async function openExporter({ endpoint, protocol }: TracingConfig, log: Log): Promise<SpanExporter> {
  let warnAgainAt = 0;
  setGlobalErrorHandler((err) => {
    const now = performance.now();
    if (now < warnAgainAt) return;
    warnAgainAt = now + WARN_EVERY_MS;
    log.warn({ err }, "cannot send traces (OTEL_EXPORTER_OTLP_ENDPOINT); work continues without them");
  });
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  return new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` });
}
