import { expect, test } from "vitest";
import { csv } from "../../support/book-files.ts";
import type { Client } from "../../support/client.ts";
import { until } from "../../support/until.ts";
import { type Uploaded, uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

const FILE = csv(30);

async function kept({ userId }: Client) {
  const { rows } = await rowmill.ctx.pool.query<{ batches: number; rows: number; chunks: number }>(
    `WITH own AS (SELECT id FROM rowmill.batches WHERE user_id = $1)
    SELECT (SELECT count(*)::int FROM own) AS batches,
      (SELECT count(*)::int FROM rowmill.batch_rows JOIN own ON id = batch_id) AS rows,
      (SELECT count(*)::int FROM rowmill.chunks JOIN own ON id = batch_id) AS chunks`,
    [userId],
  );
  return rows[0];
}

const setState = (id: string, state: string) =>
  rowmill.ctx.pool.query("UPDATE rowmill.batches SET state = $2, finished_at = $3 WHERE id = $1", [
    id,
    state,
    ["queued", "processing", "paused", "undoing"].includes(state) ? null : new Date(),
  ]);

test("uploading the same bytes again returns the first batch and stores nothing", async () => {
  const user = await rowmill.newUser();
  const first = await uploadForm(user, FILE, { filename: "monday.csv" });
  expect([first.status, first.body.replayed]).toEqual([202, false]);
  const once = await kept(user);
  const again = await uploadForm(user, FILE, { filename: "tuesday.csv" });
  expect([again.status, again.body.replayed, again.body.id]).toEqual([200, true, first.body.id]);
  expect(again.body.filename).toBe("monday.csv");
  expect(again.headers.get("location")).toBe(`/api/v1/batches/${first.body.id}`);
  expect(await kept(user)).toEqual(once);
});

test.for<[string, string, Record<string, string>]>([
  ["other bytes under the same name", csv(31), {}],
  ["the same bytes by force", FILE, { force: "true" }],
  ["another target", FILE, { target: "records" }],
  ["another mode", FILE, { mode: "upsert" }],
  ["another policy", FILE, { policy: "atomic" }],
  ["another mapping", FILE, { mapping: '{"description": null}' }],
  ["another way to read it", FILE, { header: "false", columns: "title,author,description" }],
])("%s creates a new batch", async ([_, content, query]) => {
  const user = await rowmill.newUser();
  const { body: first } = await uploadForm(user, FILE);
  const { status, body } = await uploadForm(user, content, { query });
  expect([status, body.replayed]).toEqual([202, false]);
  expect(body.id).not.toBe(first.id);
});

test.for<Record<string, string>>([{ row_delay_ms: "5" }, { rows_per_second: "5" }])(
  "the same bytes at another speed, %o, are the same import",
  async (query) => {
    const user = await rowmill.newUser();
    const { body: first } = await uploadForm(user, FILE);
    const { status, body } = await uploadForm(user, FILE, { query });
    expect([status, body.id]).toEqual([200, first.id]);
  },
);

test("the same bytes of another user create a new batch", async () => {
  const { body: first } = await uploadForm(await rowmill.newUser(), FILE);
  const { status, body } = await uploadForm(await rowmill.newUser(), FILE);
  expect(status).toBe(202);
  expect(body.id).not.toBe(first.id);
});

test.for(["queued", "processing", "paused", "completed", "completed_with_errors"])(
  "a batch that is %s stands for the same bytes",
  async (state) => {
    const user = await rowmill.newUser();
    const { body: first } = await uploadForm(user, FILE);
    await setState(first.id, state);
    const { status, body } = await uploadForm(user, FILE);
    expect([status, body.id, body.state]).toEqual([200, first.id, state]);
  },
);

test.for(["cancelled", "failed", "undoing", "undone"])(
  "a batch that is %s does not stand for the same bytes",
  async (state) => {
    const user = await rowmill.newUser();
    const { body: first } = await uploadForm(user, FILE);
    await setState(first.id, state);
    const { status, body } = await uploadForm(user, FILE);
    expect([status, body.replayed]).toEqual([202, false]);
    expect(body.id).not.toBe(first.id);
  },
);

test("a dry run and an upload of the same bytes are separate until the commit", async () => {
  const user = await rowmill.newUser();
  const query = { dry_run: "true" };
  const { body: dry } = await uploadForm(user, FILE, { query });
  const { body: real } = await uploadForm(user, FILE);
  const { body: dryAgain } = await uploadForm(user, FILE, { query });
  expect(new Set([dry.id, real.id, dryAgain.id]).size).toBe(3);
});

test("a batch older than a day does not match the same bytes", async () => {
  const user = await rowmill.newUser();
  const { body: first } = await uploadForm(user, FILE);
  const age = (interval: string) =>
    rowmill.ctx.pool.query(`UPDATE rowmill.batches SET queued_at = now() - $2::interval WHERE id = $1`, [
      first.id,
      interval,
    ]);
  await age("23 hours");
  expect((await uploadForm(user, FILE)).status).toBe(200);
  await age("25 hours");
  expect((await uploadForm(user, FILE)).status).toBe(202);
});

test("concurrent uploads of the same bytes create one batch", async () => {
  const user = await rowmill.newUser();
  const { pool } = rowmill.ctx;
  const client = await pool.connect();
  // Holds each of them where it is about to be accepted, until none can go on.
  await client.query("BEGIN; LOCK TABLE rowmill.chunks IN SHARE MODE");
  const uploads = Promise.all([1, 2, 3, 4].map(() => uploadForm(user, FILE)));
  await until("all of them wait", async () => {
    const { rows } = await pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return rows.length === 4;
  }).finally(() => client.query("COMMIT").then(() => client.release()));
  const answers = await uploads;
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 202]);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  await until("nothing else is left", async () => (await kept(user))?.batches === 1);
  expect(await kept(user)).toMatchObject({ rows: 30 });
});

test("the legacy book upload always creates a new batch", async () => {
  const user = await rowmill.newUser();
  const send = () => user.upload<{ batch_id: string }>(FILE, "/bulk-upload/");
  const answers = [await send(), await send(), await send()];
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(new Set(answers.map(({ body }) => body.batch_id)).size).toBe(3);
  const { body }: { body: Uploaded } = await uploadForm(user, FILE);
  expect(body.replayed).toBe(false);
});
