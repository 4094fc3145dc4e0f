/** A collector of traces, and the spans that it has received in the JSON format of OpenTelemetry. */
import { Receiver } from "./receiver.ts";

export interface Span {
  readonly service: unknown;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, "attributes" | "service" | "parentSpanId"> & {
        readonly parentSpanId?: string;
        readonly attributes: readonly Attribute[];
      })[];
    }[];
  }[];
}

export function startCollector(): Promise<Receiver> {
  return Receiver.start((response) => response.setHeader("content-type", "application/json").end("{}"));
}

/** The settings of programs that send their traces there. */
export function tracesTo({ url }: Receiver): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: new URL(url).origin,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  };
}

export function spansOf(collector: Receiver): Span[] {
  const exported = collector.requests.map(({ body }): Export => JSON.parse(body));
  return exported
    .flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ resource, scopeSpans }) => {
      const service = valuesOf(resource.attributes)["service.name"];
      return scopeSpans
        .flatMap(({ spans }) => spans)
        .map((span) => ({
          ...span,
          service,
          parentSpanId: span.parentSpanId ?? "",
          attributes: valuesOf(span.attributes),
        }));
    });
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
