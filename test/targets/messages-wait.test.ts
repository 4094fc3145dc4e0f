/** Rows of messages while the mail server, or that of a domain, takes no mail. */
import { afterAll, describe, expect, test } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import { ContinueLater } from "../../src/errors.ts";
import { attemptMail } from "../../src/mails/send/attempt-mail.ts";
import { reconcileMails } from "../../src/mails/upkeep/reconcile-mails.ts";
import { Later } from "../../src/platform/queue/later.ts";
import { followBatch } from "../../src/tasks/types/follow-batch.ts";
import type { RunningTask } from "../../src/tasks/types/task-type.ts";
import { newAdmin } from "../support/admin.ts";
import { command, deliverChunk, untilBatch } from "../support/batches.ts";
import { csv } from "../support/book-files.ts";
import { count } from "../support/count.ts";
import { MailServer } from "../support/mail-server.ts";
import { startRowmill } from "../support/rowmill.ts";
import { addLockTrouble } from "../support/triggers.ts";
import { useAdmin, useRowmill } from "../support/use-rowmill.ts";

const server = await new MailServer().start();
afterAll(() => server[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: { ...server.settings, ROW_MAX_RETRIES: "1" } });
const admin = useAdmin(rowmill);

const PARAMS = encodeURIComponent(JSON.stringify({ subject: "News", message: "Hello." }));
const path = `/api/v1/batches?target=messages&force=true&params=${PARAMS}`;

async function send(...addresses: string[]): Promise<string> {
  const { status, body } = await admin.upload<BatchView>(`email\n${addresses.join("\n")}\n`, path);
  expect(status).toBe(202);
  return body.id;
}

/** Until the chunk waits or ends: on a slow machine, a worker takes several turns. */
async function deliver(id: string): Promise<object | undefined> {
  for (;;) {
    const outcome = await deliverChunk(rowmill.ctx, id);
    if (!(outcome instanceof Later) || outcome.afterSeconds > 0) return outcome;
  }
}
const batchOf = async (id: string) => (await admin.batch(id)).body;

/** The waits of all rows, mails and domains are over. */
async function passTime(): Promise<void> {
  const { pool } = rowmill.ctx;
  await pool.query("UPDATE rowmill.row_waits SET until = now() - interval '1 minute'");
  await pool.query("UPDATE rowmill.mails SET due_at = now() - interval '1 minute' WHERE state = 'queued'");
  await pool.query("UPDATE rowmill.mail_holds SET held_until = now() - interval '1 minute'");
}

const stateOf = async (address: string) => {
  const { rows } = await rowmill.ctx.pool.query<{ id: string; state: string }>(
    "SELECT id, state FROM rowmill.mails WHERE address = $1",
    [address],
  );
  return rows[0];
};

describe("a row whose mail waits", () => {
  test("a row whose mail waits waits as well, says why, and uses up no attempts", async () => {
    server.answerTo("busy@wait.test", 451);
    const id = await send("busy@wait.test", "fine@wait.org");
    for (let visits = 0; visits < 4; visits++) {
      expect(await deliver(id)).toMatchObject({ isCounted: false, payload: { batchId: id } });
      await passTime();
    }
    const batch = await batchOf(id);
    expect(batch).toMatchObject({ state: "processing", counts: { success: 1, pending: 1, failed: 0 } });
    expect(batch.waiting).toMatchObject({ rows: 1, message: expect.stringContaining("451") });
    const [row] = await admin.rows(id, "pending");
    expect(row?.waiting).toMatchObject({ code: "mail_delayed", message: expect.stringContaining("451") });
    server.answerTo("busy@wait.test", null);
    await deliver(id);
    expect(await batchOf(id)).toMatchObject({ state: "completed", waiting: null });
    const attempts = (await admin.rows(id, "success")).map(({ attempts }) => attempts);
    expect(attempts).toEqual([1, 1]);
  });

  test("a row whose mail waits is looked at when it is due, and other rows meanwhile", async () => {
    server.answerTo("slow@due.test", 451);
    const others = ["a", "b", "c", "d"].map((name) => `${name}@due.org`);
    const id = await send("slow@due.test", ...others, "second@due.test");
    await deliver(id);
    const named = server.named.length;
    await deliver(id);
    expect(server.named).toHaveLength(named);
    expect(await batchOf(id)).toMatchObject({ counts: { success: 4 }, waiting: { rows: 2 } });
    expect(server.named).not.toContain("second@due.test");
  });

  test("a row whose mail waits ends with its mail", async () => {
    server.answerTo("never@end.test", 451);
    const id = await send("never@end.test");
    await deliver(id);
    await rowmill.ctx.pool.query("UPDATE rowmill.mails SET queued_at = now() - interval '73 hours'");
    await passTime();
    await deliver(id);
    const [row] = await admin.rows(id, "failed");
    expect(row).toMatchObject({ error_code: "mail_refused", waiting: null });
    expect((await stateOf("never@end.test"))?.state).toBe("failed");
  });

  test("a row whose mail waits takes no slot of the task that follows its batch", async () => {
    server.answerTo("followed@task.test", 451);
    const id = await send("followed@task.test");
    await deliver(id);
    const task = { userId: admin.userId, result: { batch_id: id } } as unknown as RunningTask;
    const following = { task, signal: AbortSignal.timeout(5000), progress: () => {} };
    const notCreated = () => Promise.reject(new Error("The batch exists."));
    await expect(followBatch(rowmill.ctx, following, notCreated)).rejects.toBeInstanceOf(ContinueLater);
  });

  test("a row whose mail waits is tried at once when its batch is resumed", async () => {
    server.answerTo("paused@resume.test", 451);
    const id = await send("paused@resume.test");
    await deliver(id);
    await command(admin, id, "pause");
    expect(await batchOf(id)).toMatchObject({ state: "paused", waiting: null });
    server.answerTo("paused@resume.test", null);
    await command(admin, id, "resume");
    expect(
      await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.row_waits WHERE batch_id = $1", [id]),
    ).toBe(0);
    await passTime();
    await deliver(id);
    expect(await batchOf(id)).toMatchObject({ state: "completed" });
  });
});

describe("the mail of a row that has ended", () => {
  test("the mail of a row that has ended is cancelled with its batch, and sent if the row is retried", async () => {
    server.answerTo("stop@cancel.test", 451);
    const id = await send("stop@cancel.test");
    await deliver(id);
    await command(admin, id, "cancel");
    const mail = await stateOf("stop@cancel.test");
    expect(mail?.state).toBe("cancelled");
    server.answerTo("stop@cancel.test", null);
    await passTime();
    expect(await attemptMail(rowmill.ctx, mail?.id ?? "", {})).toMatchObject({ kind: "refused" });
    expect(server.mailsTo("stop@cancel.test")).toEqual([]);
    await command(admin, id, "retry", { unprocessed: true });
    await deliver(id);
    expect(await batchOf(id)).toMatchObject({ state: "completed" });
    expect(server.mailsTo("stop@cancel.test")).toHaveLength(1);
  });

  test("the mail of a row that has ended does not stay queued if nobody asks for it any more", async () => {
    server.answerTo("left@alone.test", 451);
    const id = await send("left@alone.test");
    await deliver(id);
    expect(await reconcileMails(rowmill.ctx)).toMatchObject({ mailsCancelled: 0 });
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.mails SET due_at = now() - interval '2 hours' WHERE address = $1",
      ["left@alone.test"],
    );
    expect(await reconcileMails(rowmill.ctx)).toMatchObject({ mailsCancelled: 1 });
    expect((await stateOf("left@alone.test"))?.state).toBe("cancelled");
    server.answerTo("left@alone.test", null);
    await passTime();
    await deliver(id);
    expect(await batchOf(id)).toMatchObject({ state: "completed" });
  });
});

test("while the mail server is down, a file of many rows costs a few look-ups, and other batches go on", async () => {
  const down = await new MailServer().start();
  const settings = {
    ...down.settings,
    WORKER_CONCURRENCY: "2",
    WORKER_USER_CONCURRENCY: "1",
    ROW_MAX_RETRIES: "0",
  };
  await down[Symbol.asyncDispose]();
  await using own = await startRowmill(settings);
  const root = await newAdmin(own);
  await own.startWorker();
  const rows = Array.from({ length: 400 }, (_, at) => `a${at}@many.test`).join("\n");
  const { body } = await root.upload<BatchView>(`email\n${rows}\n`, path);
  const waiting = await untilBatch(root, body.id, "waits", (batch) => batch.waiting?.rows === 400);
  expect(waiting).toMatchObject({ state: "processing", counts: { pending: 400, failed: 0 } });
  // Each chunk tries the rows that its target handles at the same time.
  const chunks = await count(own.ctx.pool, "SELECT count(*) FROM rowmill.chunks");
  expect(chunks).toBeGreaterThan(2);
  expect(await count(own.ctx.pool, "SELECT count(*) FROM rowmill.mails")).toBeLessThanOrEqual(3 * chunks);
  const { body: books } = await root.upload<BatchView>(csv(5, 0), "/api/v1/batches?target=books");
  await untilBatch(root, books.id, "completes", ({ state }) => state === "completed");
});

test("rows whose outcomes are stored again because of a lock count once", async () => {
  await using own = await startRowmill(server.settings);
  const { ctx } = own;
  const sender = await newAdmin(own, "sender");
  const { body } = await sender.upload<BatchView>("email\nann@once.test\nbob@once.test\n", path);
  await addLockTrouble(ctx.pool, "trouble", "BEFORE DELETE ON rowmill.row_waits FOR EACH STATEMENT");
  await deliverChunk(ctx, body.id);
  expect((await sender.batch(body.id)).body).toMatchObject({
    state: "completed",
    counts: { success: 2, failed: 0 },
  });
});

test("after each second of messages, other files of the same user have their turn", async () => {
  await using own = await startRowmill({ ...server.settings, MAIL_PER_SECOND: "5" });
  const root = await newAdmin(own);
  const rows = Array.from({ length: 25 }, (_, at) => `s${at}@slow.test`).join("\n");
  const { body } = await root.upload<BatchView>(`email\n${rows}\n`, path);
  expect(await deliverChunk(own.ctx, body.id)).toMatchObject({ afterSeconds: 0, isLast: true });
});

test("the next chunk of a paced batch waits with the one before it", async () => {
  const { pool } = rowmill.ctx;
  const rows = Array.from({ length: 100 }, (_, at) => `p${at}@pace.test`).join("\n");
  const { body } = await admin.upload<BatchView>(`email\n${rows}\n`, `${path}&rows_per_second=20`);
  const due = () =>
    count(pool, "SELECT count(*) FROM rowmill.chunks WHERE batch_id = $1 AND due_at < 'infinity'", [body.id]);
  expect(await due()).toBe(1);
  await pool.query(`INSERT INTO rowmill.mail_holds (domain, failures, held_until, reply)
    VALUES ('', 1, now() + interval '1 minute', 'no connection')`);
  expect(await deliver(body.id)).toMatchObject({ payload: { waited: { isNextEnqueued: false } } });
  expect(await due()).toBe(1);
  await pool.query("DELETE FROM rowmill.mail_holds");
  await passTime();
  await deliver(body.id);
  expect(await due()).toBe(2);
});
