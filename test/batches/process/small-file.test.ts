/** The work for a small file: many small files cost mainly statements. */
import { expect, test } from "vitest";
import { csv } from "../../support/book-files.ts";
import { count } from "../../support/count.ts";
import { recordStatements } from "../../support/record-statements.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { uploadForm } from "../../support/upload-form.ts";

/** The statements of a chunk that is a whole batch, from the lock to the end. */
const STATEMENTS = [
  /^BEGIN$/,
  /^SAVEPOINT attempt$/,
  /^SELECT pg_try_advisory_xact_lock_shared\(.*\) AS isShared, pg_backend_pid\(\) AS pid$/,
  /^SELECT .* FROM rowmill\.chunks .* FOR UPDATE$/,
  /^SELECT array_agg\(id\)/,
  /^SAVEPOINT attempt; SET LOCAL citus\.propagate_set_commands = 'local'; SET LOCAL lock_timeout/,
  /^WITH written AS \( INSERT INTO rowmill\.books .* INSERT INTO rowmill\.row_results/,
  /; SET LOCAL lock_timeout = DEFAULT; RELEASE SAVEPOINT attempt$/,
  /^UPDATE rowmill\.chunks /,
  /^UPDATE rowmill\.batches SET chunks_left/,
  /^WITH ended AS \( UPDATE rowmill\.batches /,
  /^SELECT pg_notify/,
  /^RELEASE SAVEPOINT attempt$/,
  /^UPDATE rowmill_queue\.job_common SET state = 'completed'/,
  /^COMMIT$/,
];

test("a file of 100 plain rows is one chunk, whose transaction says each thing once and leaves no other job", async () => {
  await using rowmill = await startRowmill({ CHUNK_MIN_ROWS: "100" });
  await rowmill.startWorker();
  const user = await rowmill.newUser();
  const sent = recordStatements();
  const { body: batch } = await user.upload(csv(100));
  await user.finished(batch.id);
  const { pool } = rowmill.ctx;
  const open = "SELECT count(*) FROM rowmill_queue.job WHERE group_id = $1 AND state <> 'completed'";
  await expect.poll(() => count(pool, open, [String(user.userId)])).toBe(0);

  const ofWorker = [...sent.values()].find((texts) => texts.some((text) => text.startsWith("WITH written")));
  const texts = ofWorker ?? [];
  const begin = texts.findLastIndex(
    (text, at) => text === "BEGIN" && at < texts.findIndex((other) => other.startsWith("WITH written")),
  );
  const transaction = texts.slice(begin, texts.indexOf("COMMIT", begin) + 1);
  expect(transaction).toEqual(STATEMENTS.map((statement) => expect.stringMatching(statement)));
  const jobs = "SELECT count(*) FROM rowmill_queue.job WHERE group_id = $1";
  expect(await count(pool, jobs, [String(user.userId)])).toBe(1);
});

test.for<[string, Record<string, string>, number[]]>([
  ["plain rows have few chunks", {}, [60]],
  ["rows with a delay have small chunks", { row_delay_ms: "1" }, [25, 25, 10]],
  ["paced rows have the chunks of a second", { rows_per_second: "20" }, [20, 20, 20]],
])("%s", async ([_, query, sizes]) => {
  await using rowmill = await startRowmill({ CHUNK_MIN_ROWS: "100" });
  const user = await rowmill.newUser();
  const { body: batch } = await uploadForm(user, csv(60), { query });
  const { rows } = await rowmill.ctx.pool.query(
    "SELECT row_count FROM rowmill.chunks WHERE batch_id = $1 ORDER BY first_row",
    [batch.id],
  );
  expect(rows.map(({ row_count }) => row_count)).toEqual(sizes);
});
