import { Webhook as Verifier } from "standardwebhooks";
import { expect, test } from "vitest";
import { closeGate } from "../support/gate.ts";
import { Program } from "../support/processes.ts";
import { RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { startRowmill } from "../support/rowmill.ts";
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
  const { attempt_log } = await newest(user, webhook, "delivered", 60_000);
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
