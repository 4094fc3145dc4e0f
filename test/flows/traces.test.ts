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
import { timed } from "../support/stopwatch.ts";
import { until } from "../support/until.ts";
import { newWebhook } from "../support/webhooks.ts";
import { quick } from "../support/workflows.ts";

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

test("uploads, tasks and workflows are one trace each up to the webhook, and a lost collector stops no work", async () => {
  await using receiver = await Receiver.start();
  await using stack = new AsyncDisposableStack();
  const collecting = stack.use(new AsyncDisposableStack());
  const collector = collecting.use(await startCollector());
  const programs = stack.use(await startPrograms({ ...RECEIVER_SETTINGS, ...tracesTo(collector) }));
  const [api, worker] = await Promise.all([programs.startApi(), programs.startWorker()]);
  const user = await api.client.signUp("ada-lovelace");
  const events = ["batch.finished", "task.completed", "workflow.completed"];
  // A webhook each: the job of one message sends others that are due for the same webhook.
  for (const event of events) await newWebhook(user, receiver.url, { events: [event] });
  const parents = { upload: newParent(), task: newParent(), workflow: newParent() };
  await upload(user, 60, headersOf(parents.upload));
  // It gives up its place while it waits.
  const task = { type: "generic", title: "Countess", params: { seconds: 1 } };
  const made = await user.post("/api/v1/tasks", task, headersOf(parents.task));
  const chain = [quick(), quick()];
  const started = await user.post("/api/v1/workflows", { chain }, headersOf(parents.workflow));
  expect([made.status, started.status]).toEqual([201, 201]);
  const sentKinds = () => receiver.requests.map(({ body }) => (JSON.parse(body) as { type: string }).type);
  await until("all messages are sent", async () => events.every((kind) => sentKinds().includes(kind)));

  // A span is sent when it has ended, and after its children.
  const whole = async ({ traceId, spanId }: Parent) => {
    const spans = spansOf(collector).filter((span) => span.traceId === traceId);
    const ids = new Set([spanId, ...spans.map((span) => span.spanId)]);
    const isWhole = spans.every(({ parentSpanId }) => ids.has(parentSpanId));
    const services = new Set(spans.map(({ service }) => service));
    return isWhole && services.size === 2 && named(spans, "POST").length > 0 ? spans : null;
  };
  const traceOf = (parent: Parent) => until("a trace is whole", () => whole(parent));
  const uploading = await traceOf(parents.upload);
  const tasking = await traceOf(parents.task);
  const advancing = await traceOf(parents.workflow);

  expect(named(uploading, "POST /api/v1/batches")).toMatchObject([
    { parentSpanId: parents.upload.spanId, service: "rowmill-api" },
  ]);
  expect(named(uploading, "batch.process-chunk").length).toBeGreaterThan(1);
  expect(namesOf(uploading)).toEqual(
    expect.arrayContaining(["COPY", "INSERT", "notification.notify", "fan out a notification"]),
  );
  expect(named(tasking, "POST /api/v1/tasks")).toMatchObject([{ parentSpanId: parents.task.spanId }]);
  // Each delivery of a job that was put back belongs to the trace.
  expect(named(tasking, "task.default").length).toBeGreaterThan(1);
  expect(named(advancing, "POST /api/v1/workflows")).toHaveLength(1);
  expect(named(advancing, "task.default")).toHaveLength(2);
  expect(namesOf(advancing)).toContain("workflow.advance");
  const received = receiver.requests.map(({ headers }) => headers.traceparent);
  for (const { traceId, spanId } of [uploading, tasking, advancing].flatMap((spans) => named(spans, "POST")))
    expect(received).toContain(`00-${traceId}-${spanId}-01`);
  const logged = (await worker.logged("webhook delivered", 3)).map(({ trace_id }) => trace_id);
  expect(logged).toEqual(expect.arrayContaining(Object.values(parents).map(({ traceId }) => traceId)));
  expect(JSON.stringify(spansOf(collector))).not.toMatch(/ada-lovelace|Countess|Title \d|Author \d/);

  await collecting.disposeAsync();
  await user.finished(await upload(user, 30));
  const ended = { code: 0, signal: null };
  const { result, ms } = await timed(() => Promise.all([worker.stop(), api.program.stop()]));
  expect(result).toEqual([ended, ended]);
  // A program that still closes after 30 seconds ends with 1.
  expect(ms).toBeLessThan(25_000);
});

const namesOf = (spans: readonly Span[]) => spans.map(({ name }) => name);

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
