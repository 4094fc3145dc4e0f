import FastifyOtel from "@fastify/otel";
import type { TracerProvider } from "@opentelemetry/api";
import type { FastifyInstance } from "fastify";
import { routeTemplate } from "../http/route-template.ts";

/** Probes come every few seconds, and say nothing. */
const PROBES = new Set(["/livez", "/readyz"]);

/** Runs each request in a span, a child of the `traceparent` that the client sends. */
export async function followRequests(app: FastifyInstance, provider: TracerProvider): Promise<void> {
  const instrumentation = new FastifyOtel.FastifyOtelInstrumentation({
    instrumentHooks: false,
    // Their messages can quote cells and parameters.
    recordExceptions: false,
    ignorePaths: ({ url }) => PROBES.has(url),
    requestHook(span, { method, routeOptions, id }) {
      const route = routeTemplate(routeOptions.url) ?? "none";
      span.updateName(`${method} ${route}`);
      // Paths and queries can have names and tokens.
      span.setAttributes({ "url.path": route, "rowmill.request_id": id });
    },
    lifecycleHook: (span) => void span.updateName("handler"),
  });
  instrumentation.setTracerProvider(provider);
  await app.register(instrumentation.plugin());
}
