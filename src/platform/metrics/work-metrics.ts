/** Counts what a worker does: rows, tasks, mails and messages to webhooks. */
import { Counter, Histogram, type Registry } from "prom-client";
import type { Activity } from "../activity.ts";

/** From an empty task to one that takes hours. */
const SECONDS_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 7200];

export function addWorkMetrics(registry: Registry, activity: Activity): void {
  const registers = [registry];
  const rows = new Counter({
    name: "rowmill_rows_total",
    help: "Rows of uploads that have got a final result on this worker.",
    registers,
  });
  activity.on("rowsProcessed", (number) => rows.inc(number));

  const attempts = new Counter({
    name: "rowmill_tasks_total",
    help: "Attempts at tasks that ended on this worker. outcome=retried: the task runs again.",
    labelNames: ["type", "outcome"] as const,
    registers,
  });
  const seconds = new Histogram({
    name: "rowmill_task_seconds",
    help: "How long an attempt at a task took.",
    labelNames: ["type"] as const,
    buckets: SECONDS_BUCKETS,
    registers,
  });
  activity.on("attemptEnded", ({ type, outcome, seconds: took }) => {
    attempts.inc({ type, outcome });
    if (outcome !== "stopped") seconds.observe({ type }, took);
  });

  const waits = new Counter({
    name: "rowmill_task_limit_waits_total",
    help: "Tasks that this worker has let wait for the limit of their type.",
    labelNames: ["type"] as const,
    registers,
  });
  activity.on("taskWaits", (type) => waits.inc({ type }));

  const mails = new Counter({
    name: "rowmill_mails_total",
    help: "Attempts to send a mail. outcome=later: it is sent again.",
    labelNames: ["outcome"] as const,
    registers,
  });
  activity.on("mailAttempted", (outcome) => mails.inc({ outcome }));

  const webhooks = new Counter({
    name: "rowmill_webhook_attempts_total",
    help: "Attempts to deliver a message to a webhook. outcome=retried: it is sent again.",
    labelNames: ["outcome"] as const,
    registers,
  });
  activity.on("webhookAttempted", (outcome) => webhooks.inc({ outcome }));
}
