import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { announce, reconcileNotifications } from "../../src/announcements/announce.ts";
import { inTransaction } from "../../src/context.ts";
import { renderMail } from "../../src/mails/render/render-mail.ts";
import { readUnsubscribeToken } from "../../src/mails/unsubscribe/token.ts";
import { fanOut } from "../../src/notifications/fan-out.ts";
import { Later } from "../../src/platform/queue/later.ts";
import { deliverChunk } from "../support/batches.ts";
import { csv } from "../support/book-files.ts";
import { count } from "../support/count.ts";
import { jobsLeft } from "../support/jobs.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";
import { withEmail } from "../support/with-email.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);
withEmail(rowmill, user);

interface Mail {
  readonly kind: string;
  readonly address: string;
  readonly data: Record<string, unknown>;
}

async function mailsOf(userId: number): Promise<Mail[]> {
  const { rows } = await rowmill.ctx.pool.query<Mail>(
    "SELECT kind, address, data FROM rowmill.mails WHERE user_id = $1 AND kind <> 'welcome' ORDER BY created_at, id",
    [userId],
  );
  return rows;
}

const run = () => inTransaction(rowmill.ctx, fanOut);

const pending = () => count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.notifications WHERE is_pending");

function alert(userId: number, index = 0) {
  const about = { userId, subjectId: `problem-${index}`, sequence: index };
  const data = { subject: "Disk full", message: "Add space." };
  return inTransaction(rowmill.ctx, (tx) => announce(tx, { kind: "admin.alert", ...about, data }));
}

/** Only admins get alerts. */
const promote = () =>
  rowmill.ctx.pool.query("UPDATE rowmill.users SET role = 'admin' WHERE id = $1", [user.userId]);

test("the end of a batch becomes one mail with the most frequent causes", async () => {
  const { ctx } = rowmill;
  const { body: batch } = await user.upload(csv(2, 3));
  await deliverChunk(ctx, batch.id);
  await run();
  await run();
  const mails = await mailsOf(user.userId);
  expect(mails).toMatchObject([
    {
      kind: "batch_finished",
      address: expect.stringContaining("@"),
      data: { batch_id: batch.id, total: 5, failed: 3, causes: [{ rows: 3 }] },
    },
  ]);
  expect(await pending()).toBe(0);
});

test("a batch that was deleted meanwhile still becomes a mail, without causes", async () => {
  const { ctx } = rowmill;
  const { body: batch } = await user.upload(csv(1, 1));
  await deliverChunk(ctx, batch.id);
  await user.delete(`/api/v1/batches/${batch.id}`);
  await run();
  expect(await mailsOf(user.userId)).toMatchObject([{ data: { batch_id: batch.id, causes: [] } }]);
});

test("a worker that dies before the commit leaves the notification for another worker", async () => {
  await promote();
  const { ctx } = rowmill;
  await alert(user.userId);
  const killed = inTransaction(ctx, async (tx) => {
    await fanOut(tx);
    throw new Error("killed");
  });
  await expect(killed).rejects.toThrow("killed");
  expect(await mailsOf(user.userId)).toEqual([]);
  await run();
  expect(await mailsOf(user.userId)).toMatchObject([
    { kind: "admin_alert", data: { subject: "Disk full", message: "Add space." } },
  ]);
});

test("the owner of a disabled webhook gets a mail of its own kind, and can unsubscribe from it", async () => {
  const { ctx } = rowmill;
  const disable = () =>
    inTransaction(ctx, async (tx) => {
      const data = {
        webhook_id: crypto.randomUUID(),
        url: "https://example.com/",
        reason: "It answered 410.",
      };
      const about = { userId: user.userId, subjectId: data.webhook_id, sequence: 1 };
      await announce(tx, { kind: "webhook.disabled", ...about, data });
    });
  await disable();
  await run();
  const [mail] = await mailsOf(user.userId);
  expect(mail).toMatchObject({ kind: "webhook_disabled", data: { url: "https://example.com/" } });
  if (!mail) throw new Error("There is no mail.");
  const { headers, text } = renderMail(ctx.config, { ...mail, id: "1", name: "", userId: user.userId });
  expect(text).toContain("because you have a webhook at");
  const link = new URL(headers["List-Unsubscribe"]?.slice(1, -1) ?? "");
  expect((await user.post(link.pathname + link.search)).status).toBe(200);
  await disable();
  await run();
  expect(await mailsOf(user.userId)).toHaveLength(1);
});

test("admins can turn off mails about backups by a link, and get no alert instead", async () => {
  await promote();
  const { ctx } = rowmill;
  const ended = { userId: user.userId, subjectId: "b1", sequence: 1 };
  const data = { backup_id: "b1", message: "The disk is full." };
  await inTransaction(ctx, (tx) => announce(tx, { kind: "backup.failed", ...ended, data }));
  await run();
  const [mail] = await mailsOf(user.userId);
  expect(mail).toMatchObject({ kind: "backup_ended", data: { state: "failed", ...data } });
  if (!mail) throw new Error("There is no mail.");
  const { headers } = renderMail(ctx.config, { ...mail, id: "1", name: "", userId: user.userId });
  const token = new URL(headers["List-Unsubscribe"]?.slice(1, -1) ?? "").searchParams.get("token") ?? "";
  expect(readUnsubscribeToken(ctx.config.jwtSecret, token)?.subscription).toBe("backup.failed");
});

test("two workers share the pending notifications", async () => {
  await promote();
  for (let index = 0; index < 20; index++) await alert(user.userId, index);
  const first = inTransaction(rowmill.ctx, async (tx) => {
    const done = await fanOut(tx);
    // The second worker finds nothing, and does not wait.
    expect(await run()).toEqual({ notified: 0 });
    return done;
  });
  expect(await first).toEqual({ notified: 20 });
  expect(await mailsOf(user.userId)).toHaveLength(20);
});

test("a page of notifications is followed by another", async () => {
  const { ctx } = rowmill;
  await ctx.db.execute(sql`
    INSERT INTO rowmill.notifications (id, user_id, kind, subject_id, sequence, data, is_in_app, is_mailed, is_pending)
    SELECT gen_random_uuid(), ${user.userId}, 'task.completed', '1', 1, '{}', false, false, true
    FROM generate_series(1, 150)`);
  expect(await run()).toBeInstanceOf(Later);
  expect(await run()).toEqual({ notified: 50 });
  // They were only for webhooks.
  expect(
    await count(ctx.pool, "SELECT count(*) FROM rowmill.notifications WHERE kind = 'task.completed'"),
  ).toBe(0);
});

test("a notification that cannot be sent does not hold up the others", async () => {
  await promote();
  const { ctx } = rowmill;
  await ctx.db.execute(sql`
    INSERT INTO rowmill.notifications (id, user_id, kind, subject_id, sequence, data, is_in_app, is_mailed, is_pending)
    VALUES ('00000000-0000-7000-8000-000000000000', ${user.userId}, 'batch.finished', '1', 1, '{"batch_id": "none"}', true, true, true)`);
  await alert(user.userId);
  expect(await run()).toEqual({ notified: 2 });
  expect(await mailsOf(user.userId)).toMatchObject([{ kind: "admin_alert" }]);
  expect(await pending()).toBe(0);
});

test("a lost job is enqueued again", async () => {
  const { ctx } = rowmill;
  expect(await reconcileNotifications(ctx)).toBe(false);
  await alert(user.userId);
  expect(await reconcileNotifications(ctx)).toBe(false);
  await ctx.pool.query("UPDATE rowmill.notifications SET created_at = now() - interval '1 minute'");
  const jobs = await jobsLeft(ctx, "notification.notify");
  expect(await reconcileNotifications(ctx)).toBe(true);
  expect(await jobsLeft(ctx, "notification.notify")).toBe(jobs + 1);
  await run();
});
