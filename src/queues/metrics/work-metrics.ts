/** Counts what a worker does: rows, tasks, mails and messages to webhooks. */
import type { Registry } from "prom-client";
import type { Activity } from "../../activity.ts";
import { Meter } from "../../platform/metrics/meter.ts";

/** From an empty task to one that takes hours. */
const SECONDS_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200];

export function addWorkMetrics(registry: Registry, activity: Activity): void {
  const meter = new Meter(registry);
  const rows = meter.counter(
    "rowmill_rows_total",
    "Rows of uploads that have got a final result on this worker.",
  );
  activity.on("rowsProcessed", ({ succeeded, failed }) => rows.inc(succeeded + failed));

  const attempts = meter.counter(
    "rowmill_tasks_total",
    "Attempts at tasks that ended on this worker. outcome=retried: the task runs again.",
    "type",
    "outcome",
  );
  const seconds = meter.histogram(
    "rowmill_task_seconds",
    "How long an attempt at a task took.",
    SECONDS_BUCKETS,
    "type",
  );
  activity.on("attemptEnded", ({ type, outcome, seconds: took }) => {
    attempts.inc({ type, outcome });
    if (outcome !== "stopped") seconds.observe({ type }, took);
  });

  const waits = meter.counter(
    "rowmill_task_limit_waits_total",
    "Tasks that this worker has let wait for the limit of their type.",
    "type",
  );
  activity.on("taskWaits", (type) => waits.inc({ type }));

  const mails = meter.counter(
    "rowmill_mails_total",
    "Attempts to send a mail. outcome=later: it is sent again.",
    "outcome",
  );
  activity.on("mailAttempted", (outcome) => mails.inc({ outcome }));

  const webhooks = meter.counter(
    "rowmill_webhook_attempts_total",
    "Attempts to deliver a message to a webhook. outcome=retried: it is sent again.",
    "outcome",
  );
  activity.on("webhookAttempted", (outcome) => webhooks.inc({ outcome }));
}
