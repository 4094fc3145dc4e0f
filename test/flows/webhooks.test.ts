import { Webhook as Verifier } from "standardwebhooks";
import { expect, test } from "vitest";
import { count } from "../support/count.ts";
import { closeGate } from "../support/gate.ts";
import { jobsLeft } from "../support/jobs.ts";
import { Program } from "../support/processes.ts";
import { RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { addMessage, newest, newWebhook } from "../support/webhooks.ts";

test("a message whose worker was killed after the receiver accepted it is sent once more, with the same id", async () => {
  await using receiver = await Receiver.start();
  const settings = { ...RECEIVER_SETTINGS, WEBHOOK_TIMEOUT_SECONDS: "5" };
  await using rowmill = await startRowmill(settings);
  const user = await rowmill.newUser();
  const webhook = await newWebhook(user, receiver.url);
  await using gate = await closeGate(rowmill.ctx, "attempt");
  await using killed = await Program.start("worker", rowmill.config.databaseUrl, settings);
  await addMessage(rowmill.ctx, user);
  await gate.reached();
  const [sent] = await receiver.received(1);
  await killed.kill();
  await gate.endWaiting();
  await gate.open();

  await using next = await Program.start("worker", rowmill.config.databaseUrl, settings);
  const { attempt_log } = await newest(user, webhook, "delivered");
  expect(attempt_log).toMatchObject([
    { number: 1, status: null, error: "The worker was lost before it recorded the answer." },
    { number: 2, status: 200, error: null },
  ]);
  const [first, second] = receiver.requests;
  expect(receiver.requests).toHaveLength(2);
  expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  expect(second?.body).toBe(sent?.body);
  expect(Number(second?.headers["webhook-timestamp"])).toBeGreaterThan(
    Number(first?.headers["webhook-timestamp"]),
  );
  new Verifier(webhook.secret).verify(second?.body ?? "", second?.headers as Record<string, string>);
  expect(next.lines("running a job alone: the process that ran it has ended")).toEqual([]);
});

test("messages whose worker was killed in the middle of many are sent again with the same ids, and no other ones", async () => {
  await using receiver = await Receiver.start();
  const settings = { ...RECEIVER_SETTINGS, WEBHOOK_TIMEOUT_SECONDS: "5" };
  await using rowmill = await startRowmill(settings);
  const user = await rowmill.newUser();
  await newWebhook(user, receiver.url);
  const MESSAGES = 200;
  for (let message = 0; message < MESSAGES; message++) await addMessage(rowmill.ctx, user);
  await using killed = await Program.start("worker", rowmill.config.databaseUrl, settings);
  await receiver.received(40);
  await killed.kill();
  const sentBefore = receiver.requests.length;
  const delivered = () =>
    count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.webhook_deliveries WHERE state = 'delivered'");
  const recordedBefore = await delivered();
  expect(sentBefore).toBeLessThan(MESSAGES);
  // Each of the two slots had claimed at most 20.
  expect(sentBefore - recordedBefore).toBeLessThanOrEqual(40);

  await using _next = await Program.start("worker", rowmill.config.databaseUrl, settings);
  await until("all are delivered", async () => (await delivered()) === MESSAGES);
  const ids = receiver.requests.map(({ headers }) => headers["webhook-id"]);
  expect(new Set(ids).size).toBe(MESSAGES);
  expect(ids.length).toBe(MESSAGES + sentBefore - recordedBefore);
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT DISTINCT error FROM rowmill.webhook_attempts WHERE status IS NULL",
  );
  expect(rows).toEqual([{ error: "The worker was lost before it recorded the answer." }]);
  await until("no job is left", async () => (await jobsLeft(rowmill.ctx, "webhook.deliver")) === 0);
});
