/** Settings of traces. Their names and values are those of OpenTelemetry, which reads further OTEL_ variables itself. */
import Type, { type Static, type TObject } from "typebox";

export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.String({
    default: "",
    pattern: "^$|^https?://[^/?#]+[^?#]*$",
    description:
      "URL of an OpenTelemetry collector, such as `http://127.0.0.1:4318`, which gets traces. If unset, nothing is traced.",
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: Type.Enum(["http/protobuf", "http/json"], {
    default: "http/protobuf",
    description: "Format of traces: http/protobuf or http/json.",
  }),
  OTEL_TRACES_SAMPLER: Type.Enum(
    [
      "parentbased_always_on",
      "parentbased_always_off",
      "parentbased_traceidratio",
      "always_on",
      "always_off",
      "traceidratio",
    ],
    {
      default: "parentbased_always_on",
      description:
        "Requests that are traced: always_on, always_off or traceidratio; with parentbased_, the `traceparent` of a client decides first.",
    },
  ),
  OTEL_TRACES_SAMPLER_ARG: Type.String({
    default: "1",
    pattern: "^(0(\\.[0-9]+)?|1(\\.0+)?)$",
    description: "Share of traces that traceidratio keeps, from 0 to 1.",
  }),
};

/** Returns null without an endpoint. */
export function tracingOf(settings: Static<TObject<typeof tracingSettings>>) {
  if (!settings.OTEL_EXPORTER_OTLP_ENDPOINT) return null;
  return {
    endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
    protocol: settings.OTEL_EXPORTER_OTLP_PROTOCOL,
    sampler: settings.OTEL_TRACES_SAMPLER,
    ratio: Number(settings.OTEL_TRACES_SAMPLER_ARG),
  } as const;
}

export type TracingConfig = NonNullable<ReturnType<typeof tracingOf>>;
