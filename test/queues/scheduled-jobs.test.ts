/** The list of scheduled jobs reads one page per kind, however many jobs are due later or wait. */
import { beforeAll, expect, test } from "vitest";
import { countRowsRead, recordReads } from "../support/explained-reads.ts";
import { useAdmin, useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
const admin = useAdmin(rowmill);
const JOBS = 3000;

beforeAll(async () => {
  const add = (name: string, startAfter: string, count: number) =>
    rowmill.ctx.pool.query(
      `INSERT INTO rowmill_queue.job (name, state, data, start_after, policy)
       SELECT $1, 'created', '{}', ${startAfter}, 'standard' FROM generate_series(1, $2::int) AS n`,
      [name, count],
    );
  await add("task.default", "now() + n * interval '1 minute'", JOBS);
  await add("task.default", "now()", JOBS);
  await add("task.http", "now() + interval '90 seconds'", 1);
  await rowmill.ctx.pool.query("ANALYZE rowmill_queue.job_common");
});

interface Jobs {
  readonly items: { readonly at: string; readonly job: string }[];
  readonly next_cursor: string | null;
}

test("pages of scheduled jobs have every job once, the next one first, and read few jobs", async () => {
  const statements = recordReads(rowmill);
  const found: Jobs["items"] = [];
  let cursor: string | null = null;
  do {
    const path: string = `/api/v1/admin/jobs?state=scheduled&limit=1000${cursor ? `&cursor=${cursor}` : ""}`;
    const { body } = await admin.get<Jobs>(path);
    found.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor);
  expect(found).toHaveLength(JOBS + 1);
  expect(found.map(({ at }) => at)).toEqual(found.map(({ at }) => at).sort());
  expect(found.slice(0, 3).map(({ job }) => job)).toEqual(["task.default", "task.http", "task.default"]);
  statements.length = 0;
  await admin.get("/api/v1/admin/jobs?state=scheduled&limit=10");
  const reads = await Promise.all(statements.map((each) => countRowsRead(rowmill.ctx.pool, each)));
  const ofJobs = reads.filter(({ scans }) => scans.some((scan) => scan.startsWith("job_common")));
  expect(ofJobs.length).toBeGreaterThan(0);
  for (const { rows, scans } of ofJobs) expect([rows <= 30, scans]).toEqual([true, scans]);
});

test("a job that can start when it is created is not in the index of scheduled jobs", async () => {
  const { rows } = await rowmill.ctx.pool.query<{ entries: number }>(
    `SELECT reltuples::int AS entries FROM pg_class WHERE oid = 'rowmill_queue.job_scheduled'::regclass`,
  );
  expect(rows[0]?.entries).toBe(JOBS + 1);
});
