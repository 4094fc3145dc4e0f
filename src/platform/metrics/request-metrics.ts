/** Counts the requests of an API. The labels are bounded: templates of paths, and the methods that routes have. */
import type { Registry } from "prom-client";
import type { EndedRequest } from "../http/ended-requests.ts";
import { Meter } from "./meter.ts";

const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** @returns a function that counts a request */
export function addRequestMetrics(registry: Registry): (request: EndedRequest) => void {
  const meter = new Meter(registry);
  const ended = meter.counter(
    "rowmill_http_requests_total",
    "Requests that have ended. route=none: no route serves the path. status=499: the client disconnected.",
    "method",
    "route",
    "status",
  );
  const seconds = meter.histogram(
    "rowmill_http_request_seconds",
    "How long a request took until its answer was sent, without event streams.",
    SECONDS_BUCKETS,
    "method",
    "route",
  );
  return ({ method: sent, route = "none", status, ms }) => {
    const method = METHODS.has(sent) ? sent : "other";
    ended.inc({ method, route, status });
    if (ms !== null) seconds.observe({ method, route }, ms / 1000);
  };
}
