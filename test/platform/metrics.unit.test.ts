import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { Activity } from "../../src/platform/activity.ts";
import { addRequestMetrics } from "../../src/platform/metrics/request-metrics.ts";
import { addWorkMetrics } from "../../src/platform/metrics/work-metrics.ts";

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
  const activity = new Activity();
  addRequestMetrics(registry, activity);
  activity.emit("requestEnded", { ...ended, method: "GET", route: "/api/v1/books/{id}", ms: 20 });
  for (const method of ["BREW", "PROPFIND"]) {
    activity.emit("requestEnded", { ...ended, method, route: undefined, status: 404, ms: null });
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

test("rows, tasks, waits, mails and webhooks are counted", async () => {
  const registry = new Registry();
  const activity = new Activity();
  addWorkMetrics(registry, activity);
  activity.emit("rowsProcessed", { succeeded: 4, failed: 3 });
  activity.emit("attemptEnded", { type: "image", outcome: "completed", seconds: 0.2 });
  activity.emit("attemptEnded", { type: "image", outcome: "stopped", seconds: 9 });
  activity.emit("taskWaits", "image");
  activity.emit("mailAttempted", "sent");
  activity.emit("webhookAttempted", "retried");
  const text = await registry.metrics();
  for (const line of [
    "rowmill_rows_total 7",
    'rowmill_tasks_total{type="image",outcome="completed"} 1',
    'rowmill_tasks_total{type="image",outcome="stopped"} 1',
    'rowmill_task_seconds_count{type="image"} 1',
    'rowmill_task_limit_waits_total{type="image"} 1',
    'rowmill_mails_total{outcome="sent"} 1',
    'rowmill_webhook_attempts_total{outcome="retried"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});
