/** Stores a past that nobody can wait for: a week of statistics, mails, and the deliveries of a webhook. */
import { eq, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { QUEUES } from "../jobs.ts";
import { addMail } from "../mails/add-mail.ts";
import { uuidV7 } from "../platform/ids.ts";
import { mails } from "../schema/mails.ts";
import { webhooks } from "../schema/webhooks.ts";
import { generateSecret } from "../webhooks/secrets.ts";

/**
 * A week of minutes with a rhythm of days, and two hours without a worker. Keeps the minutes that exist. The size of the database is
 * asked once and not for each minute: PostgreSQL looks at every file for it, which takes 9 ms with the files of Citus.
 */
export async function seedStatistics({ db }: Context): Promise<void> {
  await db.execute(sql`
    WITH past AS (
      SELECT date_trunc('minute', now()) - make_interval(mins => n) AS minute, n,
        greatest(0, sin(n * pi() / 720) + 0.6 + 0.3 * sin(n * 1.7)) AS load
      FROM generate_series(1, 7 * 1440) AS n WHERE n NOT BETWEEN 2900 AND 3020
    ), points AS (
      INSERT INTO rowmill.statistics
      SELECT minute, load * 9000, load * 120, load * 40, load * 2, load * 3, 2, least(2, ceil(load)),
        greatest(8e6, (SELECT pg_database_size(current_database())) - n * 1500) FROM past
      ON CONFLICT DO NOTHING RETURNING minute
    )
    INSERT INTO rowmill.queue_statistics
    SELECT minute, queue, load * 60, load * 4, least(4, load * 3), CASE WHEN load > 0.2 THEN load * 30 END
    FROM points JOIN past USING (minute) CROSS JOIN unnest(${sql.param([...QUEUES])}::text[]) AS queue`);
}

const OUTCOMES = [
  { name: "ada", state: "sent", attempts: 1, reply: "250 2.0.0 Ok: queued" },
  { name: "grace", state: "failed", attempts: 1, reply: "550 5.1.1 The mailbox does not exist" },
  {
    name: "linus",
    state: "uncertain",
    attempts: 1,
    reply: "The connection ended before the server answered.",
  },
  { name: "barbara", state: "suppressed", attempts: 0, reply: null },
] as const;

/** One mail per outcome, and one that waits. */
export async function seedMails(ctx: Context, userId: number): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const add = (name: string) =>
      addMail(tx, {
        kind: "bulk_message",
        to: { userId, address: `${name}@example.com`, name },
        data: {
          subject: "Maintenance on Sunday",
          message: "Imports pause from 02:00 to 03:00 UTC.",
          sender: "Operations",
        },
        key: `seed-${name}`,
      });
    for (const { name, ...outcome } of OUTCOMES) {
      const id = await add(name);
      const sentAt = outcome.state === "sent" ? sql`now()` : null;
      if (id)
        await tx.db
          .update(mails)
          .set({ ...outcome, sentAt })
          .where(eq(mails.id, id));
    }
    const id = await add("katherine");
    // A worker would send it, if a mail server is set.
    if (id) await tx.db.update(mails).set({ dueAt: sql`now() + interval '1 day'` }).where(eq(mails.id, id));
  });
}

/** A webhook with deliveries that arrived and that failed, without a request to anybody. It is disabled. */
export async function seedWebhook({ db, now }: Context, userId: number): Promise<void> {
  const webhookId = uuidV7(now());
  await db.insert(webhooks).values({
    ...{ id: webhookId, userId, url: "https://hooks.example.com/rowmill", description: "Shop" },
    ...{ events: ["batch.finished"], headers: {}, secret: generateSecret() },
    ...{ disabledAt: now(), disabledReason: "failing", failures: 12, failingSince: now() },
  });
  await db.execute(sql`
    WITH sent AS (
      INSERT INTO rowmill.webhook_deliveries
        (id, webhook_id, message_id, kind, body, state, attempts, tries, due_at, error, created_at, ended_at)
      SELECT gen_random_uuid(), ${webhookId}, gen_random_uuid(), 'task.completed', '{"type":"task.completed","data":{}}',
        state::rowmill.webhook_delivery_state, tries, tries, now() + interval '1 day', error, at,
        at + interval '1 s'
      FROM (
        SELECT now() - make_interval(mins => n * 7) AS at,
          CASE WHEN n % 5 = 0 THEN 'failed' ELSE 'delivered' END AS state,
          CASE WHEN n % 5 = 0 THEN 3 ELSE 1 END AS tries,
          CASE WHEN n % 5 = 0 THEN 'The endpoint answered 503.' END AS error
        FROM generate_series(1, 20) AS n
      ) AS past RETURNING *
    )
    INSERT INTO rowmill.webhook_attempts (delivery_id, number, started_at, ms, status, error, answer)
    SELECT id, number, created_at + make_interval(mins => number), 40 + number * 25,
      CASE WHEN state = 'delivered' THEN 204 ELSE 503 END,
      CASE WHEN state <> 'delivered' THEN 'The endpoint answered 503.' END,
      CASE WHEN state <> 'delivered' THEN 'upstream unavailable' END
    FROM sent CROSS JOIN generate_series(1, attempts) AS number`);
}
