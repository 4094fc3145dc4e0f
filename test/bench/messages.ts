/** Webhook messages and mails per second, to a real HTTP receiver and a real SMTP server on this machine. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { loadConfig } from "../../src/config/config.ts";
import { inTransaction } from "../../src/context.ts";
import { openContext } from "../../src/open-context.ts";
import { uuidV7 } from "../../src/platform/ids.ts";
import { createLog } from "../../src/platform/log.ts";
import { addDeliveries } from "../../src/webhooks/add-deliveries.ts";
import { MailServer } from "../support/mail-server.ts";
import { newMail } from "../support/mails.ts";
import { RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { POLL_MS, signUp, startPrograms, stopPrograms } from "./rowmill.ts";

/** Each webhook gets two messages at a time. */
const WEBHOOKS = 10;
const MESSAGES = 100;
const MAILS = 500;

export interface MeasuredMessages {
  readonly webhooksPerSecond: number;
  readonly mailsPerSecond: number;
}

export async function measureMessages(databaseUrl: string): Promise<MeasuredMessages> {
  await using receiver = await Receiver.start();
  await using mails = await new MailServer().start();
  const settings = {
    ...RECEIVER_SETTINGS,
    WEBHOOKS_PER_USER: String(WEBHOOKS),
    SMTP_URL: mails.url,
    // By default, all workers together send ten mails per second.
    MAIL_PER_SECOND: "1000",
    EMAIL_FROM: "Rowmill <rowmill@example.com>",
  };
  const { url, env, programs } = await startPrograms(databaseUrl, settings);
  const [, worker] = programs;
  const config = loadConfig({ ...env, DATABASE_URL: databaseUrl });
  const ctx = await openContext(
    { ...config, databaseUrl },
    createLog({ logLevel: "warn" }, "bench"),
    "enqueue",
  );
  try {
    const access = await signUp(url);
    for (let i = 0; i < WEBHOOKS; i++) await addWebhook(url, access, `${receiver.url}/${i}`);
    const userId = await newestUser(databaseUrl);
    const data = { batch_id: uuidV7(ctx.now()), target: "books", state: "completed", total: 3 };
    const add = () =>
      inTransaction(ctx, (tx) => {
        const message = { messageId: uuidV7(ctx.now()), userId, kind: "batch.finished", data } as const;
        return addDeliveries(tx, { ...message, occurredAt: ctx.now(), sequence: 1 });
      });
    const rateOf = async (count: () => number, total: number, fill: () => Promise<void>) => {
      worker.kill("SIGSTOP");
      // A worker that is stopped could not end either.
      await fill().finally(() => worker.kill("SIGCONT"));
      const startedAt = performance.now();
      while (count() < total) await sleep(POLL_MS);
      return total / ((performance.now() - startedAt) / 1000);
    };
    const webhooksPerSecond = await rateOf(
      () => receiver.requests.length,
      WEBHOOKS * MESSAGES,
      async () => {
        for (let i = 0; i < MESSAGES; i++) await add();
      },
    );
    const mailsPerSecond = await rateOf(
      () => mails.received.length,
      MAILS,
      async () => {
        for (let i = 0; i < MAILS; i++) await newMail(ctx, `reader-${i}@example.com`);
      },
    );
    return { webhooksPerSecond, mailsPerSecond };
  } finally {
    await ctx.close(1000);
    await stopPrograms(...programs);
  }
}

async function addWebhook(url: string, access: string, target: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/webhooks`, {
    method: "POST",
    body: JSON.stringify({ url: target, events: ["batch.finished"] }),
    headers: { authorization: `Bearer ${access}`, "content-type": "application/json" },
  });
  if (response.status !== 201) throw new Error(`The webhook was refused: ${await response.text()}`);
}

async function newestUser(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query("SELECT max(id)::int AS id FROM rowmill.users");
  await client.end();
  return rows[0].id;
}
