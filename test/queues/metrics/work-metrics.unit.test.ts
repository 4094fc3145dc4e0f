import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { Activity } from "../../../src/activity.ts";
import { addWorkMetrics } from "../../../src/queues/metrics/work-metrics.ts";

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
