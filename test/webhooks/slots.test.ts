/** A slot of a webhook sends one message after the other. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { inTransaction } from "../../src/context.ts";
import { reconcileDeliveries } from "../../src/webhooks/upkeep/reconcile-deliveries.ts";
import type { DeliveryView } from "../../src/webhooks/views.ts";
import { count } from "../support/count.ts";
import { jobsLeft } from "../support/jobs.ts";
import { type Answering, RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import { addMessage, deliveries, newWebhook, type Webhook } from "../support/webhooks.ts";

/** Messages that a test holds must not run into the time limit on a slow machine. */
const rowmill = useRowmill({ settings: { ...RECEIVER_SETTINGS, WEBHOOK_TIMEOUT_SECONDS: "30" } });
const user = useUserPerTest(rowmill);

const MESSAGES = 60;

/** A webhook with messages that no worker has seen yet. */
async function filled(receiver: Receiver, messages = MESSAGES): Promise<Webhook> {
  const webhook = await newWebhook(user, receiver.url);
  await inTransaction(rowmill.ctx, async (tx) => {
    for (let message = 0; message < messages; message++) await addMessage(tx, user);
  });
  return webhook;
}

const all = async (webhook: Webhook, state: string): Promise<DeliveryView[]> => {
  const found = await deliveries(user, webhook, `?limit=200&state=${state}`);
  return found.filter((delivery) => delivery.state === state);
};

const untilDelivered = (webhook: Webhook, messages: number) =>
  until(`${messages} are delivered`, async () => (await all(webhook, "delivered")).length >= messages);

const attemptsOf = (webhook: Webhook) =>
  count(
    rowmill.ctx.pool,
    "SELECT count(*) FROM rowmill.webhook_attempts WHERE delivery_id IN (SELECT id FROM rowmill.webhook_deliveries WHERE webhook_id = $1)",
    [webhook.id],
  );

test("two workers send many messages over few connections, two at a time, each of them once", async () => {
  await using receiver = await Receiver.start((response) => setTimeout(() => response.end(), 2));
  const webhook = await filled(receiver);
  for (let worker = 0; worker < 2; worker++) await rowmill.startWorker();
  await untilDelivered(webhook, MESSAGES);
  expect(receiver.maxOpen).toBeLessThanOrEqual(2);
  expect(receiver.requests).toHaveLength(MESSAGES);
  expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(MESSAGES);
  expect(receiver.connections).toBeLessThan(MESSAGES / 3);
  expect(await attemptsOf(webhook)).toBe(MESSAGES);
  // The jobs of messages that the job of another one has sent are removed with them.
  await until("no job is left", async () => (await jobsLeft(rowmill.ctx, "webhook.deliver")) === 0);
});

test("messages that were claimed with a slow one are sent by the other slot, and their first attempts do not count", async () => {
  await rowmill.startWorker();
  let open = (): void => {};
  await using receiver = await Receiver.start((response) => {
    // In the middle of a set.
    if (receiver.requests.length === 25) open = () => response.end();
    else response.end();
  });
  const webhook = await filled(receiver);
  await untilDelivered(webhook, MESSAGES - 1);
  const [slow, ...others] = await all(webhook, "pending");
  expect([slow?.attempts, others]).toEqual([1, []]);
  expect(await attemptsOf(webhook)).toBe(MESSAGES);
  await reconcileDeliveries(rowmill.ctx);
  open();
  await untilDelivered(webhook, MESSAGES);
  expect(receiver.requests).toHaveLength(MESSAGES);
  const used = (await all(webhook, "delivered")).map(({ attempts }) => attempts);
  expect(new Set(used)).toEqual(new Set([1]));
});

test("after a message that is not accepted, the slot sends no more of those that it has claimed", async () => {
  await rowmill.startWorker();
  const refuse: Answering = (response) => response.writeHead(429, { "retry-after": "3000" }).end();
  await using receiver = await Receiver.start((response, received) => {
    if (receiver.requests.length < 25) response.end();
    else refuse(response, received);
  });
  const webhook = await filled(receiver);
  const waiting = "SELECT count(*) FROM rowmill.webhook_deliveries WHERE webhook_id = $1 AND is_waiting";
  const { pool } = rowmill.ctx;
  // The other slot may have been sending one.
  const [least, most] = [MESSAGES - 26, MESSAGES - 25];
  await until("the others wait", async () => (await count(pool, waiting, [webhook.id])) >= least);
  expect(await count(pool, waiting, [webhook.id])).toBeLessThanOrEqual(most);
  const findTried = async () => (await all(webhook, "pending")).filter(({ attempts }) => attempts > 0);
  const refused = () => receiver.requests.length - 24;
  await until(
    "attempts without a request do not count",
    async () => (await findTried()).length === refused(),
  );
  const tried = await findTried();
  expect(tried.every(({ attempts }) => attempts === 1)).toBe(true);
  expect(await attemptsOf(webhook)).toBe(receiver.requests.length);
});

test("a message that another slot is sending has no lost job", async () => {
  await rowmill.startWorker();
  const held: (() => void)[] = [];
  let isQuick = true;
  await using receiver = await Receiver.start((response) => {
    if (isQuick) response.end();
    else held.push(() => response.end());
  });
  const webhook = await filled(receiver, 10);
  await untilDelivered(webhook, 10);
  isQuick = false;
  // One after the other: otherwise one slot may take both.
  for (const number of [11, 12]) {
    await addMessage(rowmill.ctx, user);
    await receiver.received(number);
  }
  // As if they had been taken by the job of another message, long after they were due.
  await rowmill.ctx.pool.query(
    "UPDATE rowmill.webhook_deliveries SET due_at = now() - interval '1 hour' WHERE webhook_id = $1 AND state = 'pending'",
    [webhook.id],
  );
  await rowmill.ctx.pool.query("DELETE FROM rowmill_queue.job WHERE name = 'webhook.deliver'");
  expect((await reconcileDeliveries(rowmill.ctx)).deliveriesRequeued).toBe(0);
  for (const end of held) end();
  await untilDelivered(webhook, 12);
  expect(receiver.requests).toHaveLength(12);
});

const CHANGES = {
  "is disabled": (webhook: Webhook) => user.patch(`/api/v1/webhooks/${webhook.id}`, { is_enabled: false }),
  "is deleted": (webhook: Webhook) => user.delete(`/api/v1/webhooks/${webhook.id}`),
  "gets another URL": (webhook: Webhook) =>
    user.patch(`/api/v1/webhooks/${webhook.id}`, { url: webhook.url.replace("/hook", "/other") }),
};

test.each(Object.entries(CHANGES))(
  "after a webhook %s, its endpoint gets no message but those that are being sent",
  async (_, change) => {
    let changed: Promise<number> | undefined;
    const sent = () => receiver.requests.filter(({ path }) => path === "/hook").length;
    await using receiver = await Receiver.start((response) => {
      setTimeout(() => response.end(), 4);
      // In the middle of a set.
      if (receiver.requests.length === 45)
        changed = change(webhook).then(({ status }) => (status < 300 ? sent() : -1));
    });
    const webhook = await filled(receiver, 150);
    await rowmill.startWorker();
    await receiver.received(45);
    const before = await changed;
    await sleep(300);
    expect(before).toBeGreaterThan(0);
    expect(sent() - (before ?? 0)).toBeLessThanOrEqual(2);
  },
);
