import type { Config } from "../../config/config.ts";
import type { Log } from "../log.ts";
import { noTracing, type Tracing } from "./tracing.ts";

/** Without OTEL_EXPORTER_OTLP_ENDPOINT, no module of OpenTelemetry is loaded. */
export async function openTracing({ tracing }: Config, program: string, log: Log): Promise<Tracing> {
  if (!tracing) return noTracing;
  const { openTelemetry } = await import("./open-telemetry.ts");
  return openTelemetry(tracing, `rowmill-${program}`, log);
}
