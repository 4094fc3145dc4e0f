import { afterAll, describe, expect, test } from "vitest";
import { inTransaction } from "../../../src/context.ts";
import { addMail } from "../../../src/mails/add-mail.ts";
import { attemptMail } from "../../../src/mails/send/attempt-mail.ts";
import { takeTurn } from "../../../src/mails/send/pace.ts";
import { sendMailNow } from "../../../src/mails/send/send-mail-now.ts";
import { reconcileMails } from "../../../src/mails/upkeep/reconcile-mails.ts";
import { removeOldMails } from "../../../src/mails/upkeep/remove-old-mails.ts";
import { newAdmin } from "../../support/admin.ts";
import { count } from "../../support/count.ts";
import { MailServer } from "../../support/mail-server.ts";
import { mailOf, makeDue, newMail } from "../../support/mails.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

const server = await new MailServer().start();
afterAll(() => server[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: server.settings });
const user = useUser(rowmill);

const attempt = (id: string) => attemptMail(rowmill.ctx, id, {});
const never = new AbortController().signal;

describe("an accepted mail", () => {
  test("an accepted mail has a Message-ID of its own, is marked as automatic, and unsubscribes with one click", async () => {
    const id = await newMail(rowmill.ctx, "ada@one.test");
    expect(await attempt(id)).toMatchObject({ kind: "sent" });
    expect(await mailOf(rowmill.ctx, id)).toMatchObject({ state: "sent", attempts: 1 });
    const [mail] = server.mailsTo("ada@one.test");
    expect(mail?.messageId).toBe(`<mail.${id}@rowmill.test>`);
    expect(mail?.content).toMatch(/^From: Rowmill <rowmill@rowmill\.test>$/m);
    expect(mail?.content).toMatch(/^To: Ada <ada@one\.test>$/m);
    expect(mail?.content).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(mail?.content).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click$/m);
    expect(mail?.content).toMatch(/^Content-Type: multipart\/alternative/m);
  });

  test("an accepted mail is sent once, however many senders try", async () => {
    const id = await newMail(rowmill.ctx, "race@one.test");
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => attempt(id)));
    expect(outcomes.filter(({ kind }) => kind === "sent").length).toBeGreaterThanOrEqual(1);
    expect(await attempt(id)).toMatchObject({ kind: "sent" });
    expect(server.mailsTo("race@one.test")).toHaveLength(1);
  });
});

describe("a refusal", () => {
  test("a refusal of the address stops all mail to it, and its user sees why", async () => {
    server.answerTo("gone@one.test", 550);
    const first = await newMail(rowmill.ctx, "gone@one.test", { userId: user.userId });
    const second = await newMail(rowmill.ctx, "Gone@one.test", { userId: user.userId });
    expect(await attempt(first)).toMatchObject({ kind: "refused", reply: "550 5.1.1 Not this mailbox" });
    expect(await attempt(second)).toMatchObject({ kind: "refused" });
    expect(await mailOf(rowmill.ctx, first)).toMatchObject({ state: "failed", attempts: 1 });
    expect(await mailOf(rowmill.ctx, second)).toMatchObject({ state: "suppressed", attempts: 0 });
    expect(server.named.filter((address) => /gone/i.test(address))).toHaveLength(1);
    const told = "SELECT count(*) FROM rowmill.notifications WHERE kind = 'email.refused' AND user_id = $1";
    expect(await count(rowmill.ctx.pool, told, [user.userId])).toBe(1);
  });

  test("a refusal of the content says nothing about the address", async () => {
    server.answerTo("spam@one.test", { content: 554 });
    expect(await attempt(await newMail(rowmill.ctx, "spam@one.test"))).toMatchObject({ kind: "refused" });
    server.answerTo("spam@one.test", null);
    expect(await attempt(await newMail(rowmill.ctx, "spam@one.test"))).toMatchObject({ kind: "sent" });
  });
});

describe("a busy server", () => {
  test("delays all mail to its domain, and no other mail", async () => {
    server.answerTo("busy@slow.test", 451);
    const id = await newMail(rowmill.ctx, "busy@slow.test");
    expect(await attempt(id)).toEqual({
      kind: "later",
      afterSeconds: 60,
      reply: "451 4.1.1 Not this mailbox",
    });
    expect(await mailOf(rowmill.ctx, id)).toMatchObject({ state: "queued", attempts: 1 });
    const neighbour = await newMail(rowmill.ctx, "neighbour@slow.test");
    expect(await attempt(neighbour)).toMatchObject({ kind: "later" });
    expect(server.named).not.toContain("neighbour@slow.test");
    expect(await attempt(await newMail(rowmill.ctx, "other@fast.test"))).toMatchObject({ kind: "sent" });

    await makeDue(rowmill.ctx, id);
    expect(await attempt(id)).toMatchObject({ kind: "later", afterSeconds: 300 });
    server.answerTo("busy@slow.test", null);
    await makeDue(rowmill.ctx, id);
    expect(await attempt(id)).toMatchObject({ kind: "sent" });
    expect(await attempt(neighbour)).toMatchObject({ kind: "sent" });
    expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.mail_holds")).toBe(0);
  });

  test("a busy server gets a mail seven times within a day, and then never again", async () => {
    server.answerTo("always@busy.test", 450);
    const id = await newMail(rowmill.ctx, "always@busy.test");
    const delays: number[] = [];
    for (;;) {
      const outcome = await attempt(id);
      if (outcome.kind !== "later") {
        expect(outcome).toMatchObject({
          kind: "refused",
          reply: expect.stringMatching(/^Gave up after 7 attempts\. 450/),
        });
        break;
      }
      delays.push(outcome.afterSeconds);
      await makeDue(rowmill.ctx, id);
    }
    expect(delays).toEqual([60, 300, 1800, 7200, 21_600, 43_200]);
    expect(await mailOf(rowmill.ctx, id)).toMatchObject({ state: "failed", attempts: 7 });
    await makeDue(rowmill.ctx, id);
  });
});

test("a hold of the mail server ends before a longer one of the domain", async () => {
  const id = await newMail(rowmill.ctx, "ada@held.test");
  await rowmill.ctx.pool.query(`INSERT INTO rowmill.mail_holds (domain, failures, held_until, reply) VALUES
    ('', 1, now() + interval '1 minute', 'no connection'), ('held.test', 6, now() + interval '12 hours', '451 busy')`);
  const outcome = await attempt(id);
  expect(outcome).toMatchObject({ kind: "later", reply: "no connection", isForAll: true });
  expect(outcome.kind === "later" && outcome.afterSeconds).toBeLessThanOrEqual(60);
  await rowmill.ctx.pool.query("DELETE FROM rowmill.mail_holds WHERE domain = ''");
  expect(await attempt(id)).toMatchObject({ reply: "451 busy", isForAll: false });
  await rowmill.ctx.pool.query("DELETE FROM rowmill.mail_holds");
});

describe("a connection that ends", () => {
  test("after the content leaves the mail uncertain, and it is not sent again", async () => {
    server.answerTo("lost@one.test", "lose after content");
    const id = await newMail(rowmill.ctx, "lost@one.test");
    expect(await attempt(id)).toMatchObject({ kind: "uncertain" });
    expect(await attempt(id)).toMatchObject({ kind: "uncertain" });
    expect(await mailOf(rowmill.ctx, id)).toMatchObject({ state: "uncertain", attempts: 1 });
    expect(server.mailsTo("lost@one.test")).toHaveLength(1);
  });

  test("after the content repeats the mail with its Message-ID if MAIL_UNCERTAIN is retry", async () => {
    const { ctx } = rowmill;
    const retrying = {
      ...ctx,
      config: { ...ctx.config, mail: { ...ctx.config.mail, uncertain: "retry" as const } },
    };
    server.answerTo("twice@one.test", "lose after content");
    const id = await newMail(ctx, "twice@one.test");
    expect(await attemptMail(retrying, id, {})).toMatchObject({ kind: "later", afterSeconds: 60 });
    server.answerTo("twice@one.test", null);
    await makeDue(ctx, id);
    expect(await attemptMail(retrying, id, {})).toMatchObject({ kind: "sent" });
    const [first, second] = server.mailsTo("twice@one.test");
    expect(second?.messageId).toBe(first?.messageId);
  });

  test.each([
    ["hang at recipient", "later", "queued"],
    ["hang after content", "uncertain", "uncertain"],
  ] as const)(
    "because the worker stops, when the server %s, makes the mail %s",
    async (answer, kind, state) => {
      const address = `${answer.replaceAll(" ", "-")}@hang.test`;
      server.answerTo(address, answer);
      const id = await newMail(rowmill.ctx, address);
      const stop = new AbortController();
      const outcome = attemptMail(rowmill.ctx, id, { sendSignal: stop.signal });
      await until("the server hangs", async () =>
        answer === "hang at recipient" ? server.named.includes(address) : server.mailsTo(address).length > 0,
      );
      stop.abort();
      expect(await outcome).toMatchObject({ kind });
      expect(await mailOf(rowmill.ctx, id)).toMatchObject({ state });
      await makeDue(rowmill.ctx, id);
    },
  );
});

describe("hostile addresses and names", () => {
  test("an address with a line break never reaches the wire", async () => {
    const id = await newMail(rowmill.ctx, "ada@one.test\r\nBcc: evil@one.test");
    expect(await mailOf(rowmill.ctx, id)).toMatchObject({
      state: "failed",
      reply: "The address is not valid.",
    });
    expect(await attempt(id)).toMatchObject({ kind: "refused" });
    const address = "ada@one.test>\r\nRCPT TO:<evil@one.test";
    const rest = { from: { name: "", address: "a@one.test" }, subject: "", text: "", html: "", headers: {} };
    const outcome = await rowmill.ctx.smtp?.send({ ...rest, messageId: "<x@y>", to: { name: "", address } });
    expect(outcome).toMatchObject({ kind: "refused" });
    expect(server.named.filter((named) => named.includes("evil"))).toEqual([]);
  });

  test("line breaks in names and subjects stay in their header", async () => {
    const to = { userId: null, address: "head@one.test", name: "Ada\r\nBcc: evil@one.test\r\n" };
    const data = { subject: "Hi\r\nX-Evil: 1\r\n\r\nbody", message: "Hello.\n.\nQUIT", sender: "root" };
    const id = await inTransaction(rowmill.ctx, (tx) => addMail(tx, { kind: "bulk_message", to, data }));
    expect(await attempt(id ?? "")).toMatchObject({ kind: "sent" });
    const [mail] = server.mailsTo("head@one.test");
    const [headers = ""] = mail?.content.split("\r\n\r\n") ?? [];
    expect(headers).not.toMatch(/^(Bcc|X-Evil):/im);
    expect(headers).toMatch(/^Subject: Hi X-Evil: 1 body$/m);
    expect(server.named.filter((named) => named.includes("evil"))).toEqual([]);
  });
});

describe("sendMailNow", () => {
  const mail = (key: string, address: string) => ({
    kind: "bulk_message" as const,
    to: { userId: null, address, name: "" },
    data: { subject: "News", message: "Hello.", sender: "root" },
    key,
  });

  test("sendMailNow sends a mail once per key, and repeats the outcome", async () => {
    const calls = Array.from({ length: 3 }, () =>
      sendMailNow(rowmill.ctx, mail("k1", "now@one.test"), never),
    );
    await Promise.all(calls);
    expect(await sendMailNow(rowmill.ctx, mail("k1", "now@one.test"), never)).toMatchObject({ kind: "sent" });
    expect(server.mailsTo("now@one.test")).toHaveLength(1);
  });

  test("sendMailNow says when to call again", async () => {
    server.answerTo("now@slow.test", 421);
    const outcome = await sendMailNow(rowmill.ctx, mail("k2", "now@slow.test"), never);
    expect(outcome).toMatchObject({ kind: "later", afterSeconds: 60 });
    expect(await reconcileMails(rowmill.ctx)).toMatchObject({ mailsRequeued: 0, mailsCancelled: 0 });
    await rowmill.ctx.pool.query("DELETE FROM rowmill.mail_holds");
  });
});

describe("upkeep", () => {
  const change = (id: string, columns: string) =>
    rowmill.ctx.pool.query(`UPDATE rowmill.mails SET ${columns} WHERE id = $1`, [id]);

  test("a mail whose sender was lost is uncertain", async () => {
    const id = await newMail(rowmill.ctx, "killed@one.test");
    await change(id, "state = 'sending', attempts = 1, due_at = now() + interval '1 minute'");
    expect(await attempt(id)).toMatchObject({ kind: "later" });
    await change(id, "due_at = now() - interval '1 minute'");
    expect(await reconcileMails(rowmill.ctx)).toMatchObject({ mailsSettled: 1 });
    expect(await mailOf(rowmill.ctx, id)).toMatchObject({ state: "uncertain", attempts: 1 });
    expect(server.named).not.toContain("killed@one.test");
  });

  test("a mail that is too old is not sent", async () => {
    const id = await newMail(rowmill.ctx, "late@one.test");
    await change(id, "queued_at = now() - interval '73 hours'");
    expect(await attempt(id)).toEqual({ kind: "refused", reply: "It was not sent within 72 h." });
  });

  test("old mails are removed", async () => {
    const id = await newMail(rowmill.ctx, "old@one.test");
    await change(id, "created_at = now() - interval '31 days', state = 'sent'");
    // It was sent again by hand.
    expect(await removeOldMails(rowmill.ctx)).toBe(0);
    await change(id, "queued_at = created_at");
    expect(await removeOldMails(rowmill.ctx)).toBe(1);
  });
});

test("all senders together keep to MAIL_PER_SECOND, and none waits for long", async () => {
  const { ctx } = rowmill;
  const slow = { ...ctx, config: { ...ctx.config, mail: { ...ctx.config.mail, perSecond: 0.1 } } };
  await ctx.pool.query("DELETE FROM rowmill.mail_pace");
  const turns: (number | null)[] = [];
  for (let i = 0; i < 8; i++) turns.push(await takeTurn(slow, 50));
  const waits = turns.filter((turn) => turn !== null);
  expect(waits.length).toBeGreaterThanOrEqual(5);
  expect(waits.length).toBeLessThan(8);
  expect(Math.max(...waits)).toBeLessThanOrEqual(60);
  for (const [at, wait] of waits.entries()) expect(wait).toBeGreaterThan(10 * (at - 1));
  // Messages to many people take turns only a second ahead, and leave the others to a password reset.
  await ctx.pool.query("UPDATE rowmill.mail_pace SET next_at = clock_timestamp() + interval '20 seconds'");
  expect(await takeTurn(slow, 10)).toBeNull();
  expect(await takeTurn(slow, 50)).not.toBeNull();
  await ctx.pool.query("DELETE FROM rowmill.mail_pace");
});

test("two workers send each mail of the outbox once", async () => {
  await using own = await startRowmill(server.settings);
  const ids = await Promise.all(Array.from({ length: 20 }, (_, at) => newMail(own.ctx, `w${at}@two.test`)));
  await own.startWorker();
  await own.startWorker();
  const sent = "SELECT count(*) FROM rowmill.mails WHERE state = 'sent'";
  await until("all are sent", async () => (await count(own.ctx.pool, sent)) === ids.length);
  expect(server.received.filter(({ to }) => to.endsWith("@two.test"))).toHaveLength(20);
});

test("mails that were taken together with one that hangs are sent by another place", async () => {
  await using own = await startRowmill(server.settings);
  server.answerTo("m20@set.test", "hang after content");
  for (let at = 0; at < 40; at++) await newMail(own.ctx, `m${at}@set.test`);
  await own.startWorker();
  const sent = "SELECT count(*) FROM rowmill.mails WHERE state = 'sent'";
  await until("all others are sent", async () => (await count(own.ctx.pool, sent)) === 39);
  const attempts = "SELECT count(*) FROM rowmill.mails WHERE attempts = 1";
  expect(await count(own.ctx.pool, attempts)).toBe(40);
  // The stop of the worker ends the attempt.
  server.answerTo("m20@set.test", null);
});

test("a wrong password stops all sending, alerts the admins once, and uses up no attempt", async () => {
  await using strict = await new MailServer("right").start();
  const settings = { ...strict.settings, SMTP_URL: strict.url.replace("//", "//rowmill:wrong@") };
  await using own = await startRowmill(settings);
  await newAdmin(own);
  const id = await newMail(own.ctx, "ada@one.test");
  expect(await attemptMail(own.ctx, id, {})).toMatchObject({ kind: "later", afterSeconds: 60 });
  expect(await mailOf(own.ctx, id)).toMatchObject({
    state: "queued",
    attempts: 0,
    reply: expect.stringMatching(/^535 5\.7\.8/),
  });
  const alerts = "SELECT count(*) FROM rowmill.notifications WHERE kind = 'admin.alert'";
  expect(await count(own.ctx.pool, alerts)).toBe(1);
  expect(strict.named).toEqual([]);
});

test("a mail server that stays unreachable alerts the admins once", async () => {
  await using own = await startRowmill({ ...server.settings, SMTP_URL: "smtp://127.0.0.1:1" });
  await newAdmin(own);
  const id = await newMail(own.ctx, "ada@one.test");
  const alerts = "SELECT count(*) FROM rowmill.notifications WHERE kind = 'admin.alert'";
  for (const expected of [0, 0, 1, 1]) {
    expect(await attemptMail(own.ctx, id, {})).toMatchObject({ kind: "later" });
    expect(await count(own.ctx.pool, alerts)).toBe(expected);
    await makeDue(own.ctx, id);
  }
});

test("without a mail server, mail stays in the outbox until there is one", async () => {
  await using own = await startRowmill();
  const id = await newMail(own.ctx, "kept@one.test");
  expect(await attemptMail(own.ctx, id, {})).toEqual({ kind: "kept" });
  expect(await count(own.ctx.pool, "SELECT count(*) FROM rowmill_queue.job WHERE name = 'mail.send'")).toBe(
    0,
  );
  await makeDue(own.ctx, id);
  await own.ctx.pool.query("DELETE FROM rowmill.mail_pace");
  const worker = await own.startWorker(server.settings);
  expect(await reconcileMails(worker)).toMatchObject({ mailsRequeued: 1 });
  await until("it is sent", async () => (await mailOf(own.ctx, id)).state === "sent");
  expect(await reconcileMails(worker)).toMatchObject({ mailsRequeued: 0 });
});
