import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { addRequestMetrics } from "../../../src/platform/metrics/request-metrics.ts";

const ended = {
  at: 0,
  requestId: "",
  userId: null,
  address: "",
  requestBytes: 0,
  responseBytes: 0,
  status: 200,
};

test("requests are counted by template, method and status, and unknown ones share a label", async () => {
  const registry = new Registry();
  const count = addRequestMetrics(registry);
  count({ ...ended, method: "GET", route: "/api/v1/books/{id}", ms: 20 });
  for (const method of ["BREW", "PROPFIND"]) {
    count({ ...ended, method, route: undefined, status: 404, ms: null });
  }
  const text = await registry.metrics();
  expect(text).toContain(
    'rowmill_http_requests_total{method="GET",route="/api/v1/books/{id}",status="200"} 1\n',
  );
  expect(text).toContain('rowmill_http_requests_total{method="other",route="none",status="404"} 2\n');
  expect(text).toContain(
    'rowmill_http_request_seconds_bucket{le="0.025",method="GET",route="/api/v1/books/{id}"} 1\n',
  );
  expect(text).not.toContain('rowmill_http_request_seconds_count{method="other"');
});
