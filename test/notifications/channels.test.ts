/** The end of a batch on all channels, with a real mail server and a real receiver. */
import { Webhook as Verifier } from "standardwebhooks";
import { expect, test } from "vitest";
import { csv } from "../support/book-files.ts";
import { MailServer } from "../support/mail-server.ts";
import { RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { startRowmill } from "../support/rowmill.ts";
import { until } from "../support/until.ts";
import { newWebhook } from "../support/webhooks.ts";
import { giveEmail } from "../support/with-email.ts";

test("the end of a batch is in the list, in a mail with its causes, and in a signed message, unless a channel is off", async () => {
  await using server = await new MailServer().start();
  await using receiver = await Receiver.start();
  await using rowmill = await startRowmill({ ...server.settings, ...RECEIVER_SETTINGS });
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const email = await giveEmail(rowmill.ctx, user);
  const { secret } = await newWebhook(user, receiver.url);
  const importBooks = async (good: number) => {
    const { body: batch } = await user.upload(csv(good, 1), "/api/v1/batches?target=books&mode=append");
    await user.finished(batch.id);
    return batch.id;
  };

  const id = await importBooks(2);
  const [request] = await receiver.received(1);
  const message = new Verifier(secret).verify(
    request?.body ?? "",
    request?.headers as Record<string, string>,
  ) as { type: string; data: object };
  const data = { batch_id: id, state: "completed_with_errors", succeeded: 2, failed: 1 };
  expect(message).toMatchObject({ type: "batch.finished", data });
  const [mail] = await until("the mail arrives", async () => {
    const mails = server.mailsTo(email);
    return mails.length > 0 && mails;
  });
  const text = mail?.content.replaceAll(/=\r?\n/g, "") ?? "";
  expect(text).toContain("1 row: ");
  expect(text).toContain(`/api/v1/batches/${id}/results/failed.csv`);
  const listed = await user.get<{ items: object[] }>("/api/v1/notifications");
  expect(listed.body.items).toMatchObject([{ kind: "batch.finished", data }]);

  await user.patch("/api/v1/notification-preferences", { "batch.finished": { webhook: false } });
  await importBooks(3);
  await until("the second mail arrives", async () => server.mailsTo(email).length === 2);
  await user.patch("/api/v1/notification-preferences", { "batch.finished": { webhook: null, email: false } });
  await importBooks(4);
  await receiver.received(2);
  expect(receiver.requests.map(({ body }) => JSON.parse(body).data.succeeded)).toEqual([2, 4]);
  expect(server.mailsTo(email)).toHaveLength(2);
});
