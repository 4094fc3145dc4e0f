/** The webhooks of a user over the API. No worker runs. */
import { expect, test } from "vitest";
import { deliver } from "../../src/webhooks/deliver/deliver.ts";
import { reconcileDeliveries } from "../../src/webhooks/upkeep/reconcile-deliveries.ts";
import {
  removeDeletedWebhooks,
  removeExcessDeliveries,
  removeOldDeliveries,
} from "../../src/webhooks/upkeep/remove-deliveries.ts";
import type { Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { useAdmin, useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import { addMessage, type Detail, deliveries, newWebhook, type Webhook } from "../support/webhooks.ts";

const rowmill = useRowmill({ settings: { ...RECEIVER_SETTINGS, WEBHOOK_MAX_WAITING: "2" } });
const user = useUserPerTest(rowmill);
const admin = useAdmin(rowmill);
const URL = "http://127.0.0.1:9000/hook";

test("a webhook is created, read, changed, listed and deleted, and shows its secret once", async () => {
  const headers = { Authorization: "Bearer my-own-secret" };
  const created = await newWebhook(user, URL, { description: "Warehouse", headers });
  expect(created.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(created).toMatchObject({
    url: URL,
    events: ["batch.finished"],
    description: "Warehouse",
    header_names: ["Authorization"],
    is_enabled: true,
  });
  const path = `/api/v1/webhooks/${created.id}`;
  const { secret, ...shown } = created;
  expect((await user.get(path)).body).toEqual(shown);
  expect((await user.get<{ items: unknown[] }>("/api/v1/webhooks")).body.items).toEqual([shown]);

  const events = ["task.completed", "task.failed"];
  const changed = await user.patch(path, { url: `${URL}/2`, events, headers: {} });
  expect(changed.body).toMatchObject({ url: `${URL}/2`, events, description: "Warehouse", header_names: [] });

  const rotated = await user.post<Webhook>(`${path}/rotate`);
  expect(rotated.body.secret).not.toBe(secret);
  expect(rotated.body.previous_secret_until).not.toBeNull();
  expect(JSON.stringify((await user.get(path)).body)).not.toMatch(/whsec_|my-own-secret/);

  expect((await user.delete(path)).status).toBe(204);
  for (const answer of [await user.get(path), await user.delete(path), await user.patch(path, { events })])
    expect(answer.status).toBe(404);
});

test("the webhook of another user answers like one that does not exist", async () => {
  const { id } = await newWebhook(user, URL);
  await addMessage(rowmill.ctx, user);
  const [delivery] = await deliveries(user, { id });
  const other = await rowmill.newUser();
  const path = `/api/v1/webhooks/${id}`;
  const one = `${path}/deliveries/${delivery?.id}`;
  const since = { since: "2026-01-01T00:00:00Z" };
  const answers = [
    await other.get(path),
    await other.patch(path, { description: "mine" }),
    await other.delete(path),
    await other.post(`${path}/rotate`),
    await other.post(`${path}/test`),
    await other.post(`${path}/replay`, since),
    await other.get(`${path}/deliveries`),
    await other.get(one),
    await other.post(`${one}/replay`),
    // A delivery of another webhook of the same user.
    await user.get(`/api/v1/webhooks/${(await newWebhook(user, URL)).id}/deliveries/${delivery?.id}`),
  ];
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
  expect((await user.get(path)).body).toMatchObject({ description: "", is_enabled: true });
  expect((await other.get<{ items: unknown[] }>("/api/v1/webhooks")).body.items).toEqual([]);
});

const INVALID: readonly (readonly [field: string, fields: object, message: string])[] = [
  ["url", { url: "http://10.0.0.1/" }, "not on the public internet"],
  ["url", { url: "http://[::1]/" }, "not on the public internet"],
  ["url", { url: "http://user:secret@127.0.0.1/" }, "username"],
  ["url", { url: "http://127.0.0.1:22/" }, "port 22"],
  ["url", { url: "ftp://127.0.0.1/" }, "https://"],
  ["url", { url: "/hook" }, "not a URL"],
  ["events", { events: [] }, "at least 1"],
  ["events", { events: ["batch.finished", "batch.finished"] }, "duplicate"],
  ["events", { events: ["backup.failed"] }, "only for the role admin"],
  ...["Host", "Content-Type", "webhook-id", "Transfer-Encoding"].map(
    (name) => ["headers", { headers: { [name]: "1" } }, "is set by Rowmill"] as const,
  ),
  ["headers", { headers: { "x y": "1" } }, "not the name of a header"],
  ["headers", { headers: { "x-a": "1", "X-A": "2" } }, "same name twice"],
  ...["a\r\nx-b: c", "a\nb", "\u0000", "é", " a", ""].map(
    (value) => ["headers.x-a", { headers: { "x-a": value } }, ""] as const,
  ),
];

test("invalid fields are refused", async () => {
  for (const [field, fields, message] of INVALID) {
    const valid = { url: URL, events: ["batch.finished"] };
    const { status, body } = await user.post<Problem>("/api/v1/webhooks", { ...valid, ...fields });
    const text = JSON.stringify(body.field_errors[field] ?? body.field_errors);
    expect([status, Object.keys(body.field_errors)], JSON.stringify(fields)).toEqual([400, [field]]);
    expect(text).toContain(message);
  }
});

test("an admin can choose the events of admins", async () => {
  expect((await newWebhook(admin, URL, { events: ["backup.failed"] })).events).toEqual(["backup.failed"]);
});

test("a user has at most WEBHOOKS_PER_USER webhooks, also if requests are concurrent", async () => {
  const body = { url: URL, events: ["batch.finished"] };
  const answers = await Promise.all(Array.from({ length: 8 }, () => user.post("/api/v1/webhooks", body)));
  const refused = answers.filter(({ status }) => status === 413);
  expect(refused).toHaveLength(3);
  expect(refused[0]?.body.detail).toBe(
    "You have 5 webhooks, which is the limit (WEBHOOKS_PER_USER). Delete one, or ask your operator.",
  );
});

test("each enabled webhook that wants the event gets the message, once", async () => {
  const wanting = await newWebhook(user, URL);
  const other = await newWebhook(user, URL, { events: ["task.failed"] });
  const disabled = await newWebhook(user, URL);
  await user.patch(`/api/v1/webhooks/${disabled.id}`, { is_enabled: false });
  const messageId = "01a20159-f320-7af5-a6be-a1fe00000000";
  expect(await addMessage(rowmill.ctx, user, messageId)).toBe(1);
  expect(await addMessage(rowmill.ctx, user, messageId)).toBe(0);
  expect(await deliveries(user, wanting)).toMatchObject([
    {
      message_id: "msg_01a20159f3207af5a6bea1fe00000000",
      event: "batch.finished",
      state: "pending",
      attempts: 0,
    },
  ]);
  expect([await deliveries(user, other), await deliveries(user, disabled)]).toEqual([[], []]);
});

test("a webhook with too many unfinished deliveries gets failed ones, which can be replayed later", async () => {
  const webhook = await newWebhook(user, URL);
  for (let message = 0; message < 4; message++) await addMessage(rowmill.ctx, user);
  const failed = await deliveries(user, webhook, "?state=failed");
  expect(failed).toHaveLength(2);
  expect(failed[0]?.error).toContain("WEBHOOK_MAX_WAITING");
  const { id } = failed[0] ?? {};
  expect(
    await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill_queue.job WHERE data->>'deliveryId' = $1", [
      id,
    ]),
  ).toBe(0);
  const replayed = await user.post(`/api/v1/webhooks/${webhook.id}/replay`, {
    since: "2026-01-01T00:00:00Z",
  });
  expect(replayed.body).toEqual({ replayed: 0, remaining: 2 });
});

test("a receiver that hangs fails at the time limit, and one that drips after its status has accepted", async () => {
  await using receiver = await Receiver.start(() => {});
  const webhook = await newWebhook(user, receiver.url);
  const quick = { ...rowmill.config.webhooks, timeoutSeconds: 0.5 };
  const ctx = { ...rowmill.ctx, config: { ...rowmill.config, webhooks: quick } };
  const attempt = async () => {
    await addMessage(rowmill.ctx, user);
    const [{ id: deliveryId } = { id: "" }] = await deliveries(user, webhook);
    const signal = new AbortController().signal;
    await deliver(ctx, { deliveryId, run: 1 }, { id: "", payload: {}, attempt: 1, signal });
    return (await user.get<Detail>(`/api/v1/webhooks/${webhook.id}/deliveries/${deliveryId}`)).body;
  };
  const hanging = await attempt();
  expect(hanging).toMatchObject({
    state: "pending",
    attempt_log: [{ status: null, error: "No answer within 0.5 s." }],
  });
  expect((await user.get(`/api/v1/webhooks/${webhook.id}`)).body).toMatchObject({
    is_throttled: true,
    failures: 1,
  });
  receiver.answer = (response) => {
    const drip = setInterval(() => response.write("y"), 20);
    response.on("close", () => clearInterval(drip));
  };
  const dripping = await attempt();
  expect(dripping).toMatchObject({
    state: "delivered",
    attempt_log: [{ status: 200, answer: expect.stringMatching(/^y+$/) }],
  });
});

test("an attempt that the stop of its worker interrupts does not count, and is repeated", async () => {
  await using receiver = await Receiver.start(() => {});
  const webhook = await newWebhook(user, receiver.url);
  await addMessage(rowmill.ctx, user);
  const [{ id: deliveryId } = { id: "" }] = await deliveries(user, webhook);
  const stop = new AbortController();
  const work = { id: "", payload: {}, attempt: 1, signal: stop.signal };
  const attempt = deliver(rowmill.ctx, { deliveryId, run: 1 }, work);
  await receiver.received(1);
  stop.abort(new Error("The worker stops."));
  await attempt;
  const path = `/api/v1/webhooks/${webhook.id}`;
  expect((await user.get(path)).body).toMatchObject({
    failures: 0,
    failing_since: null,
    is_throttled: false,
  });
  const { body } = await user.get<Detail>(`${path}/deliveries/${deliveryId}`);
  const error = "The worker stopped before the answer came.";
  expect(body).toMatchObject({ state: "pending", attempts: 1, attempt_log: [{ status: null, error }] });
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT tries, run, claimed_until FROM rowmill.webhook_deliveries WHERE id = $1",
    [deliveryId],
  );
  expect(rows).toEqual([{ tries: 0, run: 2, claimed_until: null }]);
});

test("disabling a webhook ends its deliveries, and enabling it sends none of them", async () => {
  const webhook = await newWebhook(user, URL);
  const path = `/api/v1/webhooks/${webhook.id}`;
  await addMessage(rowmill.ctx, user);
  const disabled = await user.patch(path, { is_enabled: false });
  expect(disabled.body).toMatchObject({ is_enabled: false, disabled_reason: "user" });
  const [delivery] = await deliveries(user, webhook);
  expect(delivery).toMatchObject({ state: "failed", error: "Not sent: You disabled the webhook." });
  const since = { since: "2026-01-01T00:00:00Z" };
  for (const path of [`deliveries/${delivery?.id}/replay`, "replay"])
    expect((await user.post(`/api/v1/webhooks/${webhook.id}/${path}`, since)).status).toBe(409);
  const enabled = await user.patch(path, { is_enabled: true });
  expect(enabled.body).toMatchObject({ is_enabled: true, disabled_at: null, disabled_reason: null });
  expect(await deliveries(user, webhook, "?state=pending")).toEqual([]);
});

test("upkeep removes the deliveries of deleted webhooks, and those that have expired", async () => {
  const { ctx } = rowmill;
  const webhook = await newWebhook(user, URL);
  const kept = await newWebhook(user, URL);
  await addMessage(ctx, user);
  await user.delete(`/api/v1/webhooks/${webhook.id}`);
  const lost =
    "UPDATE rowmill.webhook_deliveries SET run = 2, due_at = now() - interval '1 minute' WHERE webhook_id = $1";
  await ctx.pool.query(lost, [webhook.id]);
  expect((await reconcileDeliveries(ctx)).deliveriesRequeued).toBe(0);
  await ctx.pool.query(lost, [kept.id]);
  expect((await reconcileDeliveries(ctx)).deliveriesRequeued).toBe(1);
  await removeDeletedWebhooks(ctx);
  const left = (table: string, column: string, { id }: { id: string }) =>
    count(ctx.pool, `SELECT count(*) FROM rowmill.${table} WHERE ${column} = $1`, [id]);
  expect(await left("webhooks", "id", webhook)).toBe(0);
  expect(await left("webhook_deliveries", "webhook_id", webhook)).toBe(0);

  const later = { ...ctx, now: () => new Date(ctx.now().getTime() + 31 * 86_400_000) };
  await removeOldDeliveries(later);
  expect(await left("webhook_deliveries", "webhook_id", kept)).toBe(1);
  await user.patch(`/api/v1/webhooks/${kept.id}`, { is_enabled: false });
  expect(await removeOldDeliveries(ctx)).toBe(0);
  await removeOldDeliveries(later);
  expect(await left("webhook_deliveries", "webhook_id", kept)).toBe(0);
});

test("upkeep keeps the newest WEBHOOK_MAX_DELIVERIES of each webhook, and those that are pending", async () => {
  const webhooks = { ...rowmill.config.webhooks, maxDeliveries: 3 };
  const ctx = { ...rowmill.ctx, config: { ...rowmill.config, webhooks } };
  const start = Date.now() - 1000;
  const add = async (to: typeof user, messages: number, ago = 0) => {
    for (let message = 0; message < messages; message++)
      await addMessage({ ...ctx, now: () => new Date(start - ago + message) }, to);
  };
  const [full, short, idle] = [user, await rowmill.newUser(), await rowmill.newUser()];
  const webhook = await newWebhook(full, URL);
  for (const each of [short, idle]) await newWebhook(each, URL);
  await add(full, 7);
  await add(short, 3);
  await add(idle, 7, 2 * 3_600_000);
  const before = await deliveries(full, webhook);
  expect(before.map(({ state }) => state)).toEqual([...Array(5).fill("failed"), "pending", "pending"]);

  expect(await removeExcessDeliveries(ctx)).toBe(2);
  expect(await deliveries(full, webhook)).toEqual([...before.slice(0, 3), ...before.slice(5)]);
  expect(await removeExcessDeliveries(ctx)).toBe(0);
});
