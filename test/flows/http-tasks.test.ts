import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { setSecret } from "../../src/secrets/change-secrets.ts";
import { adminOf } from "../support/admin.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { startPrograms } from "../support/processes.ts";
import { type Answering, RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { type Bulk, getTask, makeTask, untilEnded } from "../support/task-client.ts";
import { until } from "../support/until.ts";

const SETTINGS = { ...RECEIVER_SETTINGS, HTTP_TASKS: "all" };

test("a request whose worker is killed is sent again by another one, with the same id and the next number", async () => {
  await using rowmill = await startPrograms(SETTINGS);
  await using receiver = await Receiver.start(() => {});
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("ada");
  const killed = await rowmill.startWorker();
  const params = { url: receiver.url, timeout_seconds: 60, concurrency: 1 };
  const task = await makeTask(user, { type: "http", params });
  const next = await makeTask(user, { type: "http", params });
  await receiver.received(1);
  expect(await getTask(user, task.id)).toMatchObject({
    result: { attempts: [{ number: 1, ms: null, error: null }] },
  });
  await killed.kill();
  receiver.answer = (response) => response.end("ok");
  await missHeartbeats(rowmill.ctx);
  const other = await rowmill.startWorker();
  const ended = await untilEnded(user, task.id);
  expect(ended).toMatchObject({
    ...{ status: "completed", attempt: 2, retry_count: 0 },
    result: {
      attempts: [
        { number: 1, status: null, error: "The worker stopped before the answer came." },
        { number: 2, status: 200, error: null },
      ],
    },
  });
  const [first, second] = receiver.requests.map(({ headers }) => headers);
  expect(second?.["webhook-id"]).toBe(first?.["webhook-id"]);
  expect(second).toMatchObject({ "rowmill-attempt": "2", "rowmill-previous-status": "none" });
  // The slot of the lost worker is free again.
  expect(await untilEnded(user, next.id)).toMatchObject({ status: "completed" });
  // The process of the worker is not at fault.
  expect(other.lines("running a job alone: the process that ran it has ended")).toEqual([]);
});

test("a worker that stops gives a request back, and loses none of 60 in the middle of a rolling restart", async () => {
  await using rowmill = await startPrograms({ ...SETTINGS, WORKER_STOP_SECONDS: "0" });
  const later: Answering = (response) => void setTimeout(() => response.end("ok"), 150);
  await using receiver = await Receiver.start(later);
  const api = await rowmill.serveApi();
  const user = await api.client.signUp("ada");
  const [first, second] = [await rowmill.startWorker(), await rowmill.startWorker()];
  const task = { type: "http", params: { url: receiver.url, concurrency: 6 } };
  const { body } = await user.post<Bulk>("/api/v1/tasks/bulk", { tasks: Array(60).fill(task) });
  await receiver.received(10);
  await first.stop();
  await rowmill.startWorker();
  await second.kill();
  await missHeartbeats(rowmill.ctx);
  await until(
    "all tasks have completed",
    async () => {
      const { rows } = await rowmill.ctx.pool.query(
        "SELECT FROM rowmill.tasks WHERE group_id = $1 AND status = 'completed'",
        [body.group_id],
      );
      return rows.length === 60;
    },
    60_000,
  );
  const ids = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
  expect(ids.size).toBe(60);
  expect(receiver.maxOpen).toBeLessThanOrEqual(6);
});

test("no log line has a secret, a URL or a header, and one worker without the key leaves a task to others", async () => {
  await using rowmill = await startPrograms({ ...SETTINGS, LOG_LEVEL: "debug" });
  await using receiver = await Receiver.start((response) => response.writeHead(400).end("no"));
  const api = await rowmill.startApi();
  const admin = await adminOf(rowmill, api);
  const value = `secret-${randomUUID()}`;
  await setSecret(rowmill.ctx, "TOKEN", { value, hosts: [], isShared: false });
  const withoutKey = await rowmill.startWorker({ SECRETS_KEY: "" });
  const headers = { authorization: "Bearer {{secret:TOKEN}}" };
  const params = { url: `${receiver.url}?token=in-the-url`, headers, sign_with: "TOKEN" };
  const task = await makeTask(admin, { type: "http", params });
  await until("the attempt has failed", async () => (await getTask(admin, task.id)).retry_count > 0);
  expect(await getTask(admin, task.id)).toMatchObject({
    error_message: expect.stringMatching(/TOKEN cannot be decrypted: SECRETS_KEY is not the key/),
  });
  await withoutKey.stop();
  const worker = await rowmill.startWorker();
  expect(await untilEnded(admin, task.id)).toMatchObject({ status: "failed", error_code: "http_status" });
  expect(receiver.requests[0]?.headers.authorization).toBe(`Bearer ${value}`);
  expect(await worker.logged("http request ended")).toMatchObject([
    { status: 400, host: expect.stringMatching(/^127\./) },
  ]);
  for (const { output } of [api.program, worker, withoutKey]) {
    expect(output).not.toContain(value);
    expect(output).not.toContain("in-the-url");
  }
});
