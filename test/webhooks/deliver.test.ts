/** Deliveries to a real receiver on this machine, sent by workers of this process. */

import { Webhook as Verifier } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { reconcileDeliveries } from "../../src/webhooks/upkeep/reconcile-deliveries.ts";
import { count } from "../support/count.ts";
import { jobsLeft } from "../support/jobs.ts";
import { RECEIVER_SETTINGS, type Received, Receiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import { addMessage, type Detail, deliveries, newest, newWebhook } from "../support/webhooks.ts";

/** Three attempts, one after the other. */
const settings = { ...RECEIVER_SETTINGS, WEBHOOK_RETRY_SECONDS: "0,0" };
const rowmill = useRowmill({ settings, worker: true });
const user = useUserPerTest(rowmill);
const admin = useAdmin(rowmill);

const verify = (secret: string, { headers, body }: Received) =>
  new Verifier(secret).verify(body, headers as Record<string, string>);

const statuses = ({ attempt_log }: Detail) => attempt_log.map(({ status }) => status);

test("a message is signed as Standard Webhooks requires, and has the headers of the user", async () => {
  await using receiver = await Receiver.start((response) => response.end("thank you"));
  const webhook = await newWebhook(user, receiver.url, {
    headers: { authorization: "Bearer 1", "User-Agent": "me" },
  });
  await addMessage(rowmill.ctx, user);
  const delivery = await newest(user, webhook, "delivered");
  const [received] = await receiver.received(1);
  if (!received) throw new Error("Nothing was received.");
  expect(verify(webhook.secret, received)).toEqual(JSON.parse(received.body));
  expect(() => verify(`whsec_${Buffer.alloc(32).toString("base64")}`, received)).toThrow();
  expect(() => verify(webhook.secret, { ...received, body: `${received.body} ` })).toThrow();
  expect(received.headers).toMatchObject({
    "content-type": "application/json",
    "webhook-id": delivery.message_id,
    authorization: "Bearer 1",
    "user-agent": "me",
  });
  expect(received.body).toBe(delivery.body);
  expect(JSON.parse(received.body)).toEqual({
    type: "batch.finished",
    timestamp: expect.stringMatching(/Z$/),
    data: {
      batch_id: expect.any(String),
      target: "books",
      state: "completed",
      total: 3,
      sequence: 1,
      link: expect.stringMatching(/^http:.*\/api\/v1\/batches\/[0-9a-f-]{36}$/),
    },
  });
  expect(delivery.attempt_log).toMatchObject([{ number: 1, status: 200, error: null, answer: "thank you" }]);
});

test("after a rotation, both secrets verify a message; after a second one, the first does not", async () => {
  await using receiver = await Receiver.start();
  const webhook = await newWebhook(user, receiver.url);
  const path = `/api/v1/webhooks/${webhook.id}`;
  const send = async () => {
    const tested = await user.post<Detail>(`${path}/test`);
    expect(tested.body).toMatchObject({ event: "webhook.test", state: "delivered" });
    return receiver.requests.at(-1) as Received;
  };
  const second = (await user.post<{ secret: string }>(`${path}/rotate`)).body.secret;
  const overlapping = await send();
  for (const secret of [webhook.secret, second]) verify(secret, overlapping);
  const third = (await user.post<{ secret: string }>(`${path}/rotate`)).body.secret;
  const latest = await send();
  for (const secret of [second, third]) verify(secret, latest);
  expect(() => verify(webhook.secret, latest)).toThrow();
  await change("UPDATE rowmill.webhooks SET previous_secret_until = now() WHERE id = $1", webhook);
  expect(() => verify(second, latest)).not.toThrow();
  expect((await send()).headers["webhook-signature"]).toMatch(/^v1,[^ ]+$/);
});

test("a failed delivery is repeated with the same id, and can be replayed", async () => {
  await using receiver = await Receiver.start((response) => response.writeHead(500).end("oops"));
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  const failed = await newest(user, webhook, "failed");
  expect(failed).toMatchObject({ attempts: 3, error: "The endpoint answered 500.", next_attempt_at: null });
  expect(failed.attempt_log).toMatchObject(
    [1, 2, 3].map((number) => ({ number, status: 500, error: "The endpoint answered 500." })),
  );
  receiver.answer = (response) => response.writeHead(204).end();
  const path = `/api/v1/webhooks/${webhook.id}/deliveries/${failed.id}/replay`;
  const replayed = await user.post<Detail>(path);
  expect([replayed.status, replayed.body.state]).toEqual([200, "pending"]);
  const delivered = await newest(user, webhook, "delivered");
  expect(statuses(delivered)).toEqual([500, 500, 500, 204]);
  expect(new Set(receiver.requests.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(new Set(receiver.requests.map(({ body }) => body)).size).toBe(1);
  const [first, last] = [receiver.requests.at(0), receiver.requests.at(-1)] as [Received, Received];
  expect(verify(webhook.secret, last)).toEqual(verify(webhook.secret, first));
});

test("all failed deliveries since a time are replayed, oldest first", async () => {
  await using receiver = await Receiver.start((response) => response.writeHead(500).end());
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  await newest(user, webhook, "failed");
  const since = new Date().toISOString();
  for (let message = 0; message < 3; message++) await addMessage(rowmill.ctx, user);
  const failed = () => deliveries(user, webhook, "?state=failed");
  await until("all have failed", async () => (await failed()).length === 4);
  receiver.answer = (response) => response.end();
  const { body } = await user.post(`/api/v1/webhooks/${webhook.id}/replay`, { since });
  expect(body).toEqual({ replayed: 3, remaining: 0 });
  await until(
    "three are delivered",
    async () => (await deliveries(user, webhook, "?state=delivered")).length === 3,
  );
  expect(await failed()).toHaveLength(1);
});

test("a redirect fails, is not followed, and is in the log", async () => {
  await using target = await Receiver.start();
  await using receiver = await Receiver.start((response) =>
    response.writeHead(302, { location: target.url }).end(),
  );
  const webhook = await newWebhook(user, receiver.url);
  const { body } = await user.post<Detail>(`/api/v1/webhooks/${webhook.id}/test`);
  expect(body).toMatchObject({ state: "failed", attempts: 1, error: expect.stringContaining(target.url) });
  expect(target.requests).toEqual([]);
});

test("410 disables the webhook and announces it", async () => {
  await using receiver = await Receiver.start((response) => response.writeHead(410).end());
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  expect(statuses(await newest(user, webhook, "failed"))).toEqual([410]);
  const { body } = await user.get(`/api/v1/webhooks/${webhook.id}`);
  expect(body).toMatchObject({ is_enabled: false, disabled_reason: "gone" });
  expect(await notifications(user.userId)).toMatchObject([
    { kind: "webhook.disabled", data: { webhook_id: webhook.id, reason: "The endpoint answered 410 Gone." } },
  ]);
  expect(await addMessage(rowmill.ctx, user)).toBe(0);
});

async function notifications(userId: number) {
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT kind, data FROM rowmill.notifications WHERE user_id = $1",
    [userId],
  );
  return rows;
}

test("an endpoint that keeps failing is disabled, which its owner and the admins hear of", async () => {
  await using receiver = await Receiver.start((response) => response.writeHead(500).end());
  const webhook = await newWebhook(user, receiver.url);
  /** Its last success was long ago, because nothing happened. */
  const aged = (failingHours: number, failures: number) =>
    rowmill.ctx.pool.query(
      `UPDATE rowmill.webhooks SET created_at = now() - interval '1 year', last_success_at = now() - interval '1 year',
        failing_since = now() - make_interval(hours => $2), failures = $3 WHERE id = $1`,
      [webhook.id, failingHours, failures],
    );
  const isEnabledAfter = async (...age: Parameters<typeof aged>) => {
    await aged(...age);
    await addMessage(rowmill.ctx, user);
    await newest(user, webhook, "failed");
    return (await user.get(`/api/v1/webhooks/${webhook.id}`)).body.is_enabled;
  };
  expect(await isEnabledAfter(71, 100)).toBe(true);
  expect(await isEnabledAfter(1000, 5)).toBe(true);
  expect(await isEnabledAfter(72, 9)).toBe(false);
  const { body } = await user.get(`/api/v1/webhooks/${webhook.id}`);
  expect(body).toMatchObject({ disabled_reason: "failing", failures: 10 });
  expect(await notifications(user.userId)).toMatchObject([{ kind: "webhook.disabled" }]);
  expect(await notifications(admin.userId)).toMatchObject([
    { kind: "admin.alert", data: { subject: "A webhook keeps failing" } },
  ]);
});

test("a receiver can stop a message", async () => {
  await using receiver = await Receiver.start((response) =>
    response.writeHead(400, { "webhook-delivery": "abort-message" }).end(),
  );
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  const failed = await newest(user, webhook, "failed");
  expect(failed).toMatchObject({ attempts: 1, error: expect.stringContaining("no further attempt") });
  expect((await user.get(`/api/v1/webhooks/${webhook.id}`)).body.is_enabled).toBe(true);
});

test("a receiver that asks for no messages for a while gets none, and then one at a time until it accepts one", async () => {
  await using receiver = await Receiver.start((response) =>
    response.writeHead(429, { "retry-after": "2" }).end(),
  );
  const webhook = await newWebhook(user, receiver.url);
  const path = `/api/v1/webhooks/${webhook.id}`;
  await addMessage(rowmill.ctx, user);
  const isThrottled = async () => (await user.get(path)).body.is_throttled === true;
  await until("the webhook is throttled", isThrottled);
  const [asked] = receiver.requests as [Received];
  const { body } = await user.get<{ held_until: string }>(path);
  expect(Date.parse(body.held_until) - asked.at).toBeGreaterThan(1950);

  receiver.answer = (response) => response.writeHead(202).end();
  for (let message = 0; message < 4; message++) await addMessage(rowmill.ctx, user);
  const waiting = "SELECT count(*) FROM rowmill.webhook_deliveries WHERE webhook_id = $1 AND is_waiting";
  await until("four wait", async () => (await count(rowmill.ctx.pool, waiting, [webhook.id])) === 4);
  await reconcileDeliveries(rowmill.ctx);
  expect(receiver.requests).toHaveLength(1);
  expect((await user.post<Detail>(`${path}/test`)).body.state).toBe("delivered");

  const held: (() => void)[] = [];
  receiver.answer = (response) => held.push(() => response.end());
  const [, , repeated] = (await receiver.received(3)) as [Received, Received, Received];
  expect(repeated.at - asked.at).toBeGreaterThanOrEqual(1950);
  expect(repeated.headers["webhook-id"]).toBe(asked.headers["webhook-id"]);
  await reconcileDeliveries(rowmill.ctx);
  expect(receiver.requests).toHaveLength(3);
  receiver.answer = (response) => response.end();
  held[0]?.();
  await until(
    "all are delivered",
    async () => (await deliveries(user, webhook, "?state=delivered")).length === 6,
  );
  expect(await isThrottled()).toBe(false);
});

test("messages that waited for an endpoint go to a new URL at once", async () => {
  await using busy = await Receiver.start((response) =>
    response.writeHead(503, { "retry-after": "3000", "webhook-delivery": "abort-message" }).end(),
  );
  await using receiver = await Receiver.start();
  const webhook = await newWebhook(user, busy.url);
  await addMessage(rowmill.ctx, user);
  const path = `/api/v1/webhooks/${webhook.id}`;
  await until("it is held", async () => (await user.get(path)).body.held_until !== null);
  await addMessage(rowmill.ctx, user);
  const waiting = "SELECT count(*) FROM rowmill.webhook_deliveries WHERE webhook_id = $1 AND is_waiting";
  await until("one waits", async () => (await count(rowmill.ctx.pool, waiting, [webhook.id])) === 1);
  const moved = await user.patch(path, { url: receiver.url });
  expect(moved.body).toMatchObject({ is_throttled: false, held_until: null });
  await receiver.received(1);
});

test("the log keeps the last 20 attempts, and the text of the first and the last answer", async () => {
  let answers = 0;
  await using receiver = await Receiver.start((response) => {
    answers++;
    response.writeHead(500).end(answers === 1 || answers === 3 ? "" : `answer ${answers}`);
  });
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  const failed = await newest(user, webhook, "failed");
  const path = `/api/v1/webhooks/${webhook.id}/deliveries/${failed.id}`;
  const texts = ({ attempt_log }: Detail) => attempt_log.flatMap(({ answer }) => answer || []);
  expect(texts(failed)).toEqual(["answer 2"]);
  for (let replay = 1; replay <= 8; replay++) {
    await user.post(`${path}/replay`);
    const replayed = await newest(user, webhook, "failed");
    expect(texts(replayed)).toEqual([`answer ${replay < 7 ? 2 : 21}`, `answer ${3 + 3 * replay}`]);
  }
  const { body } = await user.get<Detail>(path);
  expect([body.attempts, body.attempt_log.length, body.attempt_log[0]?.number]).toEqual([27, 20, 8]);
});

test("an endless answer is stored in part, and without secrets", async () => {
  await using receiver = await Receiver.start((response, { headers }) => {
    response.end(`${webhook.secret} ${headers["x-key"]} \u0000${"é".repeat(2_000_000)}`);
  });
  const webhook = await newWebhook(user, receiver.url, { headers: { "x-key": "my own secret" } });
  const { body } = await user.post<Detail>(`/api/v1/webhooks/${webhook.id}/test`);
  const [flood] = body.attempt_log;
  expect([body.state, flood?.answer]).toEqual([
    "delivered",
    expect.stringMatching(/^\[redacted\] \[redacted\] \uFFFDé+$/),
  ]);
  expect(Buffer.byteLength(flood?.answer ?? "")).toBeGreaterThan(4000);
  expect(Buffer.byteLength(flood?.answer ?? "")).toBeLessThanOrEqual(4096);
});

test("two workers send two messages of a webhook at a time, and nobody else waits for them", async () => {
  await rowmill.startWorker();
  const held: (() => void)[] = [];
  await using slow = await Receiver.start((response) => held.push(() => response.end()));
  await using quick = await Receiver.start();
  const webhook = await newWebhook(user, slow.url);
  for (let message = 0; message < 12; message++) await addMessage(rowmill.ctx, user);
  await slow.received(2);
  const other = await rowmill.newUser();
  for (const each of [user, other]) await newWebhook(each, quick.url);
  for (const each of [user, other]) await addMessage(rowmill.ctx, each);
  await quick.received(2);
  expect(slow.requests).toHaveLength(2);
  slow.answer = (response) => setTimeout(() => response.end(), 20);
  for (const end of held) end();
  const delivered = async () => (await deliveries(user, webhook, "?state=delivered")).length;
  await until("all are delivered", async () => (await delivered()) === 13);
  expect(slow.maxOpen).toBe(2);
  // Each delivery has one job, and another one if it had to wait. Now and then, two wait for the same slot.
  const jobs = await count(
    rowmill.ctx.pool,
    "SELECT sum(run) AS count FROM rowmill.webhook_deliveries WHERE webhook_id = $1",
    [webhook.id],
  );
  expect(jobs).toBeLessThanOrEqual(3 * 13);
});

test("a throttled webhook gets one message at a time, until one succeeds", async () => {
  const held: (() => void)[] = [];
  await using receiver = await Receiver.start((response) => held.push(() => response.end()));
  const webhook = await newWebhook(user, receiver.url);
  await change("UPDATE rowmill.webhooks SET is_throttled = true WHERE id = $1", webhook);
  for (let message = 0; message < 4; message++) await addMessage(rowmill.ctx, user);
  const { pool } = rowmill.ctx;
  const waiting = "SELECT count(*) FROM rowmill.webhook_deliveries WHERE webhook_id = $1 AND is_waiting";
  await until("three wait", async () => (await count(pool, waiting, [webhook.id])) === 3);
  expect(receiver.requests).toHaveLength(1);
  held.shift()?.();
  await receiver.received(3);
  expect(receiver.maxOpen).toBe(2);
  receiver.answer = (response) => response.end();
  for (const end of held) end();
  await until(
    "all are delivered",
    async () => (await deliveries(user, webhook, "?state=delivered")).length === 4,
  );
});

function change(statement: string, { id }: { id: string }) {
  return rowmill.ctx.pool.query(statement, [id]);
}

/** A webhook whose first attempt waits for its answer. */
async function heldAttempt(receiver: Receiver) {
  const held: (() => void)[] = [];
  receiver.answer = (response) => held.push(() => response.writeHead(500).end());
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  await receiver.received(1);
  return { webhook, refuse: () => held.shift()?.() };
}

test("an account that is disabled meanwhile receives nothing more", async () => {
  await using receiver = await Receiver.start();
  const { webhook, refuse } = await heldAttempt(receiver);
  const change = (disabledAt: string) =>
    rowmill.ctx.pool.query(`UPDATE rowmill.users SET disabled_at = ${disabledAt} WHERE id = $1`, [
      user.userId,
    ]);
  await change("now()");
  expect(await addMessage(rowmill.ctx, user)).toBe(0);
  refuse();
  const failed = "SELECT count(*) FROM rowmill.webhook_deliveries WHERE webhook_id = $1 AND state = 'failed'";
  await until("it has failed", async () => (await count(rowmill.ctx.pool, failed, [webhook.id])) === 1);
  await change("NULL");
  const { error, attempt_log } = await newest(user, webhook, "failed");
  expect([error, attempt_log.length]).toEqual(["Not sent: the account is disabled.", 1]);
  expect(receiver.requests).toHaveLength(1);
});

test("a webhook that is deleted or disabled meanwhile receives nothing more", async () => {
  await using receiver = await Receiver.start();
  for (const act of ["delete", "disable"]) {
    const before = receiver.requests.length;
    const { webhook, refuse } = await heldAttempt(receiver);
    await until("its request is held", async () => receiver.requests.length > before);
    const path = `/api/v1/webhooks/${webhook.id}`;
    await (act === "delete" ? user.delete(path) : user.patch(path, { is_enabled: false }));
    refuse();
    await until("no job is left", async () => (await jobsLeft(rowmill.ctx, "webhook.deliver")) === 0);
    expect(receiver.requests).toHaveLength(before + 1);
  }
});

test("a message that was accepted while its webhook was disabled is delivered", async () => {
  const held: (() => void)[] = [];
  await using receiver = await Receiver.start((response) => held.push(() => response.end()));
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  await receiver.received(1);
  await user.patch(`/api/v1/webhooks/${webhook.id}`, { is_enabled: false });
  await newest(user, webhook, "failed");
  held[0]?.();
  expect((await newest(user, webhook, "delivered")).error).toBeNull();
});

describe("repairs", () => {
  /** A webhook with one failed delivery, whose receiver now accepts everything. */
  async function failedOnce(receiver: Receiver) {
    const webhook = await newWebhook(user, receiver.url);
    receiver.answer = (response) => response.writeHead(400, { "webhook-delivery": "abort-message" }).end();
    await addMessage(rowmill.ctx, user);
    const delivery = await newest(user, webhook, "failed");
    receiver.answer = (response) => response.end();
    return { webhook, delivery };
  }

  const PENDING =
    "UPDATE rowmill.webhook_deliveries SET state = 'pending', due_at = now() - interval '1 minute'";

  test("a delivery whose job was lost gets another one", async () => {
    await using receiver = await Receiver.start();
    const { webhook, delivery } = await failedOnce(receiver);
    await change(`${PENDING} WHERE id = $1`, delivery);
    await reconcileDeliveries(rowmill.ctx);
    expect(statuses(await newest(user, webhook, "delivered"))).toEqual([400, 200]);
  });

  test("a delivery that waits although a slot is free is woken", async () => {
    await using receiver = await Receiver.start();
    const { webhook, delivery } = await failedOnce(receiver);
    await change(`${PENDING}, is_waiting = true WHERE id = $1`, delivery);
    await reconcileDeliveries(rowmill.ctx);
    expect(statuses(await newest(user, webhook, "delivered"))).toEqual([400, 200]);
  });

  test("a delivery whose job was given up fails", async () => {
    await using receiver = await Receiver.start();
    const { webhook, delivery } = await failedOnce(receiver);
    await change("UPDATE rowmill_queue.job SET state = 'failed' WHERE data->>'deliveryId' = $1", delivery);
    await change(`${PENDING} WHERE id = $1`, delivery);
    await reconcileDeliveries(rowmill.ctx);
    expect((await newest(user, webhook, "failed")).error).toContain("Rowmill could not send the message");
  });

  test("the slot of a lost worker becomes free, and its attempt is in the log", async () => {
    await using receiver = await Receiver.start();
    const { webhook, delivery } = await failedOnce(receiver);
    await change(
      "UPDATE rowmill.webhook_attempts SET ms = NULL, status = NULL WHERE delivery_id = $1",
      delivery,
    );
    await change(`${PENDING}, claimed_until = now() + interval '2 seconds' WHERE id = $1`, delivery);
    const isRequeued = async () => (await reconcileDeliveries(rowmill.ctx)).deliveriesRequeued > 0;
    await until("the claim has ended", isRequeued);
    const { attempt_log } = await newest(user, webhook, "delivered");
    expect(attempt_log).toMatchObject([
      { error: expect.stringContaining("worker was lost") },
      { status: 200 },
    ]);
    const [lost, repeated] = attempt_log.map(({ started_at }) => Date.parse(started_at)) as [number, number];
    expect(repeated - lost).toBeGreaterThan(1500);
  });
});
