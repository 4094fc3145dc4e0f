import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { type Span, spansOf, startCollector, tracesTo } from "../support/collector.ts";
import { checkout } from "../support/commands.ts";
import { startPrograms } from "../support/processes.ts";
import { RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { newWebhook } from "../support/webhooks.ts";

/** The span of a client. */
const newParent = () => ({
  traceId: randomBytes(16).toString("hex"),
  spanId: randomBytes(8).toString("hex"),
});
type Parent = ReturnType<typeof newParent>;

const headersOf = ({ traceId, spanId }: Parent) => ({ traceparent: `00-${traceId}-${spanId}-01` });

async function upload(user: Client, rows: number, headers: Record<string, string> = {}): Promise<string> {
  const body = new FormData();
  body.set("file", new Blob([csv(rows)]), "books.csv");
  const answer = await user.send<BatchView>("POST", "/api/v1/batches?target=books", { body, headers });
  expect(answer.status).toBe(202);
  return answer.body.id;
}

test("an upload and a task are one trace each, up to the webhook, and a lost collector stops no work", async () => {
  await using receiver = await Receiver.start();
  await using stack = new AsyncDisposableStack();
  const uploading = newParent();
  const tasking = newParent();
  const traces = stack.use(new AsyncDisposableStack());
  const collector = traces.use(await startCollector());
  const settings = { ...RECEIVER_SETTINGS, ...tracesTo(collector) };
  const programs = stack.use(await startPrograms(settings));
  const [api, worker] = await Promise.all([programs.startApi(), programs.startWorker()]);
  const user = await api.client.signUp("ada-lovelace");
  await newWebhook(user, receiver.url, { events: ["batch.finished", "task.completed"] });
  await upload(user, 60, headersOf(uploading));
  const task = { type: "generic", title: "Countess", params: { seconds: 0 } };
  expect((await user.post("/api/v1/tasks", task, headersOf(tasking))).status).toBe(201);
  await receiver.received(2);

  const traceOf = ({ traceId }: Parent) => spansOf(collector).filter((span) => span.traceId === traceId);
  // A span is sent when it has ended, and after its children.
  const whole = (parent: Parent) => async () => {
    const spans = traceOf(parent);
    const ids = new Set([parent.spanId, ...spans.map(({ spanId }) => spanId)]);
    const names = new Set(spans.map(({ name }) => name));
    const isWhole = spans.every(({ parentSpanId }) => ids.has(parentSpanId));
    return isWhole && names.has("webhook.deliver") && spans.some(({ service }) => service === "rowmill-api")
      ? spans
      : null;
  };
  const uploadSpans = await until("the trace of the upload is whole", whole(uploading), 20_000);
  const taskSpans = await until("the trace of the task is whole", whole(tasking), 20_000);

  expect(named(uploadSpans, "POST /api/v1/batches")).toMatchObject([
    { parentSpanId: uploading.spanId, service: "rowmill-api" },
  ]);
  expect(named(uploadSpans, "batch.process-chunk").length).toBeGreaterThan(1);
  expect(uploadSpans.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["COPY", "INSERT", "batch.finished", "fan out a notification", "POST"]),
  );
  expect(named(taskSpans, "POST /api/v1/tasks")).toMatchObject([{ parentSpanId: tasking.spanId }]);
  expect(taskSpans.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["task.default", "fan out a notification", "webhook.deliver", "POST"]),
  );
  const sent = [uploadSpans, taskSpans].map((spans) => {
    const [post] = named(spans, "POST");
    return `00-${post?.traceId}-${post?.spanId}-01`;
  });
  expect(receiver.requests.map(({ headers }) => headers.traceparent).sort()).toEqual(sent.sort());
  expect(
    worker
      .lines("webhook delivered")
      .map(({ trace_id }) => trace_id)
      .sort(),
  ).toEqual([uploading.traceId, tasking.traceId].sort());
  expect(JSON.stringify(spansOf(collector))).not.toMatch(/ada-lovelace|Countess|Title \d|Author \d/);

  await traces.disposeAsync();
  await user.finished(await upload(user, 30));
  const startedAt = performance.now();
  expect(await Promise.all([worker.stop(), api.program.stop()])).toEqual([
    { code: 0, signal: null },
    { code: 0, signal: null },
  ]);
  expect(performance.now() - startedAt).toBeLessThan(12_000);
});

function named(spans: readonly Span[], name: string): Span[] {
  return spans.filter((span) => span.name === name);
}

/** Prints the URL of each module that is loaded. */
const LIST = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });`)}`;

test.each(["api", "worker"])("the %s loads nothing of OpenTelemetry without an endpoint", (program) => {
  const options = ["--no-warnings", `--import=${LIST}`, join(checkout, "src", `${program}.ts`)];
  // It loads its sources, and then ends because it has no database.
  const { stdout } = spawnSync(process.execPath, options, {
    cwd: tmpdir(),
    env: { ...process.env, DATABASE_URL: "" },
    encoding: "utf8",
  });
  const modules = stdout.split("\n");
  expect(modules.filter((url) => url.includes("/node_modules/pg-boss/")).length).toBeGreaterThan(0);
  expect(modules.filter((url) => /opentelemetry|fastify\/otel/.test(url))).toEqual([]);
});
