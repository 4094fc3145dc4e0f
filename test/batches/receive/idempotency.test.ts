import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { expect, test } from "vitest";
import { type Context, inTransaction } from "../../../src/context.ts";
import { claimKey, removeStaleKeys } from "../../../src/idempotency/claim-key.ts";
import { jobs } from "../../../src/jobs.ts";
import { csv } from "../../support/book-files.ts";
import type { Client, Problem } from "../../support/client.ts";
import { count } from "../../support/count.ts";
import { startPrograms } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { type Uploaded, uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

const FILE = csv(30);
const KEY = "the-first";

const sendWithKey = <T = Uploaded>(user: Client, key = KEY, content = FILE, query = {}) =>
  uploadForm<T>(user, content, { query, headers: { "idempotency-key": key } });

async function kept({ userId }: Client) {
  const { rows } = await rowmill.ctx.pool.query<Record<"batches" | "rows" | "jobs", number>>(
    `WITH own AS (SELECT id FROM rowmill.batches WHERE user_id = $1)
    SELECT (SELECT count(*)::int FROM own) AS batches,
      (SELECT count(*)::int FROM rowmill.batch_rows JOIN own ON id = batch_id) AS rows,
      (SELECT count(*)::int FROM rowmill_queue.job WHERE group_id = $1::text AND name = 'batch.process-chunk') AS jobs`,
    [userId],
  );
  return rows[0];
}

const inMs = (ctx: Context, ms: number): Context => ({ ...ctx, now: () => new Date(Date.now() + ms) });
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** An upload under way, its file half sent; `destroy` is the client that goes away. */
function beginUpload(user: Client, url = user.url) {
  const upload = request(`${url}/api/v1/batches?target=books`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${user.token}`,
      "content-type": "multipart/form-data; boundary=half",
      "idempotency-key": KEY,
    },
  });
  upload.on("error", () => {});
  upload.write(
    `--half\r\ncontent-disposition: form-data; name="file"; filename="half.csv"\r\n\r\n${FILE.slice(0, 100)}`,
  );
  const status = new Promise<number | null>((done) => {
    upload.on("response", (response) => done(response.resume().statusCode ?? null));
    upload.on("close", () => done(null));
  });
  return {
    end() {
      upload.end(`${FILE.slice(100)}\r\n--half--\r\n`);
      return status;
    },
    [Symbol.dispose]: () => void upload.destroy(),
  };
}

const keysOf = ({ userId }: Client) =>
  count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.idempotency_keys WHERE user_id = $1", [userId]);

const isClaimed = (user: Client) => until("the key is claimed", async () => (await keysOf(user)) === 1);

test("repeating an upload with its key returns the first answer and imports nothing twice", async () => {
  const user = await rowmill.newUser();
  const first = await sendWithKey(user);
  expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([202, null]);
  const once = await kept(user);
  await user.post(`/api/v1/batches/${first.body.id}/cancel`);
  const again = await sendWithKey(user);
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
  expect(again.headers.get("location")).toBe(first.headers.get("location"));
  expect(again.body).toEqual(first.body);
  expect(await kept(user)).toEqual(once);
});

test("an answer that names an earlier batch of the same file is repeated as well", async () => {
  const user = await rowmill.newUser();
  await user.upload(FILE);
  const [first, again] = [await sendWithKey(user), await sendWithKey(user)];
  expect([first.status, first.body.replayed]).toEqual([200, true]);
  expect([again.status, again.body]).toEqual([200, first.body]);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
});

test.for([
  ["another file", csv(31), {}],
  ["another mode", FILE, { mode: "upsert" }],
  ["a dry run", FILE, { dry_run: "true" }],
  ["force", FILE, { force: "true" }],
  ["another pace", FILE, { rows_per_second: "5" }],
] as const)("the same key for %s is refused and changes nothing", async ([_, content, query]) => {
  const user = await rowmill.newUser();
  await sendWithKey(user);
  const before = await kept(user);
  const { status, body } = await sendWithKey<Problem>(user, KEY, content, query);
  expect([status, body.code]).toEqual([422, "key_reused"]);
  expect(await kept(user)).toEqual(before);
  expect((await sendWithKey(user)).headers.get("idempotency-replayed")).toBe("true");
});

test("a second upload with a key in use is refused with Retry-After", async () => {
  const user = await rowmill.newUser();
  using upload = beginUpload(user);
  await isClaimed(user);
  const meanwhile = await sendWithKey<Problem>(user);
  expect([meanwhile.status, meanwhile.body.code]).toEqual([409, "conflict"]);
  expect(Number(meanwhile.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await upload.end()).toBe(202);
  const again = await sendWithKey(user);
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
});

test("a refused upload frees its key", async () => {
  const user = await rowmill.newUser();
  expect((await sendWithKey(user, KEY, "title\nno author\n")).status).toBe(400);
  expect((await sendWithKey(user, KEY, FILE, { policy: "some" })).status).toBe(400);
  const { status, headers } = await sendWithKey(user);
  expect([status, headers.get("idempotency-replayed")]).toEqual([202, null]);
});

test("a disconnected client frees its key", async () => {
  const user = await rowmill.newUser();
  const upload = beginUpload(user);
  await isClaimed(user);
  upload[Symbol.dispose]();
  await until("the key is free", async () => (await keysOf(user)) === 0);
  expect((await sendWithKey(user)).status).toBe(202);
});

test("concurrent uploads with one key create one batch", async () => {
  const user = await rowmill.newUser();
  const answers = await Promise.all([1, 2, 3, 4].map(() => sendWithKey(user, KEY, FILE, { force: "true" })));
  const statuses = answers.map(({ status }) => status);
  expect(statuses).toContain(202);
  expect(statuses.filter((status) => status !== 202 && status !== 409)).toEqual([]);
  const ids = answers.filter(({ status }) => status === 202).map(({ body }) => body.id);
  expect(new Set(ids).size).toBe(1);
  await until("nothing else is left", async () => (await kept(user))?.batches === 1);
  expect(await kept(user)).toMatchObject({ rows: 30 });
});

test("two users may use the same upload key", async () => {
  const answers = [await sendWithKey(await rowmill.newUser()), await sendWithKey(await rowmill.newUser())];
  expect(answers.map(({ status, headers }) => [status, headers.get("idempotency-replayed")])).toEqual([
    [202, null],
    [202, null],
  ]);
  expect(answers[0]?.body.id).not.toBe(answers[1]?.body.id);
});

test.for(["", "x".repeat(256)])('an upload key of "%s" is refused', async (key) => {
  const user = await rowmill.newUser();
  const { status } = await sendWithKey(user, key);
  expect(status).toBe(400);
  expect(await kept(user)).toMatchObject({ batches: 0 });
});

test("the key of a killed API is free after two minutes", async () => {
  const { ctx, config } = rowmill;
  const user = await rowmill.newUser();
  await using programs = await startPrograms({}, config.databaseUrl);
  const { url, program } = await programs.startApi();
  using _ = beginUpload(user, url);
  await isClaimed(user);
  await program.kill();
  expect((await sendWithKey(user)).status).toBe(409);
  await expect(claimKey(inMs(ctx, 1.5 * MINUTE), user.userId, KEY)).rejects.toThrow("still running");
  await using claim = await claimKey(inMs(ctx, 2.1 * MINUTE), user.userId, KEY);
  expect(claim.answer).toBeNull();
});

test("an upload that lost its key to another stores no answer", async () => {
  const { ctx } = rowmill;
  const { userId } = await rowmill.newUser();
  const answer = { fingerprint: Buffer.from("a"), status: 202, body: {} };
  await using first = await claimKey(inMs(ctx, -3 * MINUTE), userId, KEY);
  await using second = await claimKey(ctx, userId, KEY);
  await expect(inTransaction(ctx, (tx) => first.store(tx, answer))).rejects.toThrow(
    "another request has taken over its Idempotency-Key",
  );
  await first[Symbol.asyncDispose]();
  await inTransaction(ctx, (tx) => second.store(tx, answer));
  await using third = await claimKey(ctx, userId, KEY);
  expect(third.answer).toMatchObject({ status: 202 });
});

test("an upload key expires after a day", async () => {
  const { ctx } = rowmill;
  const user = await rowmill.newUser();
  for (const key of ["used again", "cleaned", "young"]) await sendWithKey(user, key);
  await ctx.pool.query(
    "UPDATE rowmill.idempotency_keys SET created_at = now() - interval '25 hours' WHERE user_id = $1 AND key <> 'young'",
    [user.userId],
  );
  const again = await sendWithKey(user, "used again");
  expect(again.headers.get("idempotency-replayed")).toBeNull();
  await rowmill.startWorker();
  await ctx.queue.add(ctx.db, jobs.clean, [{ id: randomUUID(), payload: {} }]);
  const keys = async () =>
    (
      await ctx.pool.query<{ key: string }>(
        "SELECT key FROM rowmill.idempotency_keys WHERE user_id = $1 ORDER BY 1",
        [user.userId],
      )
    ).rows;
  await until("the cleanup is done", async () => (await keys()).length === 2);
  expect(await keys()).toEqual([{ key: "used again" }, { key: "young" }]);
  expect(await removeStaleKeys(inMs(ctx, DAY + MINUTE))).toBeGreaterThanOrEqual(2);
  expect(await keys()).toEqual([]);
});
