import { beforeAll, describe, expect, test } from "vitest";
import { newBatchId, taskIdOf } from "../../src/batches/ids.ts";
import type { RowView } from "../../src/batches/row-views.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { openContext } from "../../src/context.ts";
import { takeJobs } from "../../src/handlers.ts";
import { createLog } from "../../src/platform/log.ts";
import type { Client, Problem } from "../support/client.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

const HEADER = "title,author,description\n";

/** Every tenth row lacks its author. */
const books = (count: number) =>
  Array.from({ length: count }, (_, index) => `Title ${index},${index % 10 === 9 ? "" : "Author"},\n`).join(
    "",
  );

async function uploaded(user: Client, content: string): Promise<string> {
  const { status, body } = await user.upload(content);
  expect(status).toBe(202);
  return body.id;
}

/** All items through pages of `limit`, each page as long as it may be. */
async function paged<T>(user: Client, path: string, limit: number): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`;
    const { status, body }: { status: number; body: Page<T> } = await user.get(
      `${path}${path.includes("?") ? "&" : "?"}${query}`,
    );
    expect(status).toBe(200);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    if (body.next_cursor) expect(body.items).toHaveLength(limit);
    items.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor);
  return items;
}

const rowmill = useRowmill();

/** Has a worker do all there is to do, and waits for its end: only then has the server all that it read. */
async function work(user: Client, ...batchIds: string[]): Promise<BatchView[]> {
  const worker = await openContext(rowmill.config, createLog(rowmill.config, "test-worker"), "work");
  try {
    await takeJobs(worker);
    return await Promise.all(batchIds.map((id) => user.finished(id)));
  } finally {
    await worker.close(5000);
    await until("the worker's connections are gone", async () => {
      const { rows } = await rowmill.ctx.pool.query<{ name: string; connections: number }>(
        `SELECT application_name AS name, count(*)::int AS connections FROM pg_stat_activity
         WHERE datname = current_database() AND application_name IN ('rowmill', 'rowmill-work') GROUP BY 1`,
      );
      return rows.every(({ name, connections }) =>
        name === "rowmill" ? connections === rowmill.ctx.pool.totalCount : connections === 0,
      );
    });
  }
}

describe("the list of batches", () => {
  test("is the user's own, newest first, in pages", async () => {
    const user = await rowmill.newUser();
    const other = await rowmill.newUser();
    const ids: string[] = [];
    for (let index = 0; index < 7; index++) {
      ids.push(await uploaded(user, `${HEADER}Book ${index},Author,\n`));
      await uploaded(other, `${HEADER}Other ${index},Author,\n`);
    }
    const newestFirst = ids.toReversed();
    for (const limit of [1, 2, 3, 7, 8, 1000]) {
      const found = await paged<BatchView>(user, "/api/v1/batches", limit);
      expect(found.map(({ id }) => id)).toEqual(newestFirst);
    }
  });

  test("is empty at first", async () => {
    const user = await rowmill.newUser();
    const { body } = await user.get("/api/v1/batches");
    expect(body).toEqual({ items: [], next_cursor: null });
  });

  test("shows each batch as it shows by itself", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(3));
    const { body } = await user.get<Page<BatchView>>("/api/v1/batches");
    expect(body.items).toEqual([(await user.batch(id)).body]);
  });

  test("needs a token", async () => {
    expect((await rowmill.client.get("/api/v1/batches")).status).toBe(401);
  });
});

describe("a batch", () => {
  test("that waits is queued, with what is known of it", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `Name,Writer,x,x\n${"Emma,Austen,,\n".repeat(30)}`);
    const { body } = await user.batch(id);
    expect(body).toEqual({
      id,
      target: "books",
      filename: "test.csv",
      number: expect.any(Number),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      state: "queued",
      counts: { total: 30, pending: 30, processing: 0, success: 0, failed: 0, unprocessed: 0, undone: 0 },
      reason: null,
      records: { created: 0, updated: 0, unchanged: 0 },
      undo: null,
      header: ["Name", "Writer", "x", "x_2"],
      mapping: { title: "Name", author: "Writer" },
      dialect: {
        encoding: "utf-8",
        bom: false,
        delimiter: ",",
        quote: '"',
        escape: "double",
        padded_quotes: false,
        newline: "lf",
        header: true,
        skip_lines: 0,
      },
      warnings: { missing_fields: 0, extra_fields: 0, replaced_characters: 0 },
      mode: "insert",
      policy: "partial",
      dry_run: false,
      max_errors: null,
      rows_per_second_limit: null,
      row_delay_ms: 0,
      rows_per_second: null,
      seconds_left: null,
      created_at: expect.any(String),
      queued_at: expect.any(String),
      started_at: null,
      finished_at: null,
    });
  });

  test("that has ended tells when, how fast, and that nothing is left", async () => {
    const user = await rowmill.newUser();
    const before = Date.now();
    const id = await uploaded(user, HEADER + books(300));
    const [batch] = await work(user, id);
    const after = Date.now();
    expect(batch?.state).toBe("completed_with_errors");
    expect(batch?.counts).toEqual({
      total: 300,
      pending: 0,
      processing: 0,
      success: 270,
      failed: 30,
      unprocessed: 0,
      undone: 0,
    });
    const moments = [batch?.created_at, batch?.queued_at, batch?.started_at, batch?.finished_at].map(
      (moment) => Date.parse(String(moment)),
    );
    expect(moments).toEqual(moments.toSorted((a, b) => a - b));
    // Milliseconds are cut off, not rounded, when a moment is shown.
    expect(moments[0]).toBeGreaterThanOrEqual(before - 1);
    expect(moments[3]).toBeLessThanOrEqual(after + 1);
    const [, , started = 0, finished = 0] = moments;
    const rate = 300 / ((finished - started) / 1000);
    expect(batch?.rows_per_second).toBeGreaterThan(rate * 0.99);
    expect(batch?.rows_per_second).toBeLessThan(rate * 1.01);
    expect(batch?.seconds_left).toBe(0);
    expect((await user.batch(id)).body).toEqual(batch);
  });

  test("whose rows all succeed is completed", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `${HEADER}Emma,Austen,\n`);
    const [batch] = await work(user, id);
    expect(batch?.state).toBe("completed");
  });
});

describe("a row", () => {
  test("tells every rule that it breaks, with column, code and message", async () => {
    const user = await rowmill.newUser();
    const content = `${HEADER},${"a".repeat(201)},${"d".repeat(10_001)}\nEmma,Austen,\n`;
    const id = await uploaded(user, content);
    await work(user, id);
    const { status, body } = await user.get<RowView>(`/api/v1/batches/${id}/rows/2`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      row: 2,
      status: "failed",
      attempts: 1,
      record_id: null,
      error_code: "required",
    });
    expect(body.errors).toEqual([
      { column: "title", code: "required", message: "title is required" },
      { column: "author", code: "too_long", message: "author has 201 characters; at most 200 are allowed" },
      {
        column: "description",
        code: "too_long",
        message: "description has 10001 characters; at most 10000 are allowed",
      },
    ]);
    expect(body.error_message).toBe(body.errors.map(({ message }) => message).join("; "));
    expect(Date.parse(String(body.completed_at))).toBeGreaterThanOrEqual(Date.parse(body.created_at));
  });

  test("that succeeded names its record, and one that waits has neither result nor attempt", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `${HEADER}Emma,Austen,\n`);
    const waiting = await user.get<RowView>(`/api/v1/batches/${id}/rows/2`);
    expect(waiting.body).toEqual({
      row: 2,
      task_id: taskIdOf(id, 2),
      batch_id: id,
      status: "pending",
      fields: { title: "Emma", author: "Austen", description: "" },
      attempts: 0,
      job_id: expect.any(String),
      record_id: null,
      effect: null,
      error_code: null,
      error_message: null,
      errors: [],
      undo: null,
      created_at: expect.any(String),
      completed_at: null,
      history: [],
    });
    const job = await rowmill.ctx.pool.query("SELECT state FROM pgboss.job WHERE id = $1", [
      waiting.body.job_id,
    ]);
    expect(job.rows).toEqual([{ state: "created" }]);
    await work(user, id);
    const done = await user.get<RowView>(`/api/v1/batches/${id}/rows/2`);
    expect(done.body).toEqual({
      ...waiting.body,
      status: "success",
      attempts: 1,
      record_id: expect.any(Number),
      effect: "created",
      completed_at: expect.any(String),
    });
    const book = await user.get(`/api/v1/books/${done.body.record_id}`);
    expect(book.body).toMatchObject({ title: "Emma", author: "Austen" });
  });

  test("keeps its number where lines before it are blank", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, `${HEADER}\n\nEmma,Austen,\n\nPersuasion,Austen,\n`);
    expect((await user.rows(id)).map(({ row }) => row)).toEqual([4, 6]);
    expect((await user.get(`/api/v1/batches/${id}/rows/6`)).body.fields).toMatchObject({
      title: "Persuasion",
    });
    expect((await user.get(`/api/v1/batches/${id}/rows/5`)).status).toBe(404);
  });
});

describe("rows by status, while some are done, some are worked on and some wait", () => {
  const COUNT = 400;
  const STATUSES = ["pending", "processing", "success", "failed"] as const;
  let batchId: string;

  const stopped = useRowmill({ settings: { ROW_DELAY_MS: "200", WORKER_CONCURRENCY: "1" } });
  const user = useUser(stopped);
  beforeAll(async () => {
    batchId = await uploaded(user, HEADER + books(COUNT));
    await stopped.startWorker();
    await until("some rows have results", async () => (await user.batch(batchId)).body.counts.failed > 0);
    // From now on a chunk takes ten minutes, so the batch stands still once the next chunk has begun.
    const { pool } = stopped.ctx;
    await pool.query("UPDATE batches SET row_delay_ms = 600000");
    const changed = await pool.query("SELECT clock_timestamp() AS at");
    await until("a chunk stands still", async () => {
      const { rowCount } = await pool.query(
        "SELECT FROM chunks WHERE state = 'processing' AND updated_at > $1",
        [changed.rows[0].at],
      );
      return rowCount === 1;
    });
  });

  test("the counts add up, and so does the rate", async () => {
    const { body } = await user.batch(batchId);
    expect(body.state).toBe("processing");
    const { total, ...byStatus } = body.counts;
    expect(total).toBe(COUNT);
    expect(Object.values(byStatus).reduce((sum, count) => sum + count, 0)).toBe(COUNT);
    for (const status of STATUSES) expect(byStatus[status]).toBeGreaterThan(0);
    expect(byStatus).toMatchObject({ unprocessed: 0, undone: 0 });
    const done = body.counts.success + body.counts.failed;
    // Between two reads the clock goes on, so the rate is compared with what it was at most.
    const seconds = (Date.now() - Date.parse(String(body.started_at))) / 1000;
    expect(body.rows_per_second).toBeGreaterThanOrEqual(Math.floor((done / seconds) * 10) / 10);
    expect(body.rows_per_second).toBeLessThan(done / 0.2);
    const left = (COUNT - done) / Number(body.rows_per_second);
    expect(body.seconds_left).toBeGreaterThan(left * 0.8);
    expect(body.seconds_left).toBeLessThan(left * 1.2);
    expect(body.finished_at).toBeNull();
  });

  test.each(STATUSES)(
    "%s: those and no others, as many as are counted, each once, in source order",
    async (status) => {
      const { counts } = (await user.batch(batchId)).body;
      for (const limit of [1, 7, 1000]) {
        if (limit === 1 && counts[status] > 100) continue;
        const rows = await paged<RowView>(user, `/api/v1/batches/${batchId}/rows?status=${status}`, limit);
        expect(rows).toHaveLength(counts[status]);
        expect(rows.every((row) => row.status === status)).toBe(true);
        const numbers = rows.map(({ row }) => row);
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
      }
    },
  );

  test("every row has exactly one status, the same in the list, by filter and by itself", async () => {
    const all = await paged<RowView>(user, `/api/v1/batches/${batchId}/rows`, 33);
    expect(all.map(({ row }) => row)).toEqual(Array.from({ length: COUNT }, (_, index) => index + 2));
    const byFilter: RowView[] = [];
    for (const status of STATUSES) byFilter.push(...(await user.rows(batchId, status)));
    expect(byFilter.toSorted((a, b) => a.row - b.row)).toEqual(all);
    for (const status of STATUSES) {
      const row = all.find((one) => one.status === status);
      expect((await user.get(`/api/v1/batches/${batchId}/rows/${row?.row}`)).body).toEqual({
        ...row,
        history: [],
      });
    }
  });

  test("those without a result have no completed_at, those with one do", async () => {
    const rows = await user.rows(batchId);
    for (const { status, completed_at, attempts } of rows) {
      const isDone = status === "success" || status === "failed";
      expect([completed_at !== null, attempts]).toEqual([isDone, isDone ? 1 : 0]);
    }
  });
});

describe("what there is not", () => {
  const owner = useUser(rowmill);
  const stranger = useUser(rowmill);
  let batchId: string;
  beforeAll(async () => {
    batchId = await uploaded(owner, HEADER + books(5));
  });

  const pathsOf = (id: string) => [
    `/api/v1/batches/${id}`,
    `/api/v1/batches/${id}/rows`,
    `/api/v1/batches/${id}/rows?status=failed`,
    `/api/v1/batches/${id}/rows/2`,
    `/batch-status/?batch_id=${id}`,
    `/task-status/?task_id=${id.length === 36 ? taskIdOf(id, 2) : id}`,
  ];

  async function statuses(client: Client, id: string) {
    const found: [string, number][] = [];
    for (const path of pathsOf(id)) {
      const { status, body } = await client.get<Problem>(path);
      if (status !== 200) expect(body.detail).not.toBe("");
      found.push([path, status]);
    }
    return found;
  }
  const all = (id: string, status: number) => pathsOf(id).map((path) => [path, status]);

  test("one's own is found", async () => {
    expect(await statuses(owner, batchId)).toEqual(all(batchId, 200));
  });

  test("also where the id is in capitals", async () => {
    const id = batchId.toUpperCase();
    expect(await statuses(owner, id)).toEqual(all(id, 200));
    expect((await owner.batch(id)).body.id).toBe(batchId);
  });

  test("somebody else's is 404", async () => {
    expect(await statuses(stranger, batchId)).toEqual(all(batchId, 404));
  });

  test("somebody else's answers word for word as one that is not", async () => {
    const theirs = await stranger.get<Problem>(`/api/v1/batches/${batchId}`);
    const none = await stranger.get<Problem>(`/api/v1/batches/${newBatchId(new Date())}`);
    expect(theirs.body).toEqual(none.body);
  });

  test("an unknown id is 404", async () => {
    const id = newBatchId(new Date());
    expect(await statuses(owner, id)).toEqual(all(id, 404));
  });

  test.each(["1", "none", "x".repeat(36), "550e8400-e29b-41d4-a716-44665544000g", "%00", "null"])(
    "%j is no id: 400",
    async (id) => {
      for (const path of [
        `/api/v1/batches/${id}`,
        `/api/v1/batches/${id}/rows`,
        `/batch-status/?batch_id=${id}`,
        `/task-status/?task_id=${id}`,
      ])
        expect([path, (await owner.get<Problem>(path)).status]).toEqual([path, 400]);
    },
  );

  test("a UUID written as a URN is none: 400", async () => {
    for (const path of [
      `/api/v1/batches/urn:uuid:${batchId}`,
      `/batch-status/?batch_id=urn:uuid:${batchId}`,
      `/task-status/?task_id=urn:uuid:${taskIdOf(batchId, 2)}`,
    ])
      expect([path, (await owner.get<Problem>(path)).status]).toEqual([path, 400]);
  });

  test.each([
    ["1", 404],
    ["7", 404],
    ["2147483647", 404],
    ["2147483648", 400],
    ["0", 400],
    ["-1", 400],
    ["1.5", 400],
    ["two", 400],
  ])("row %s: %i", async (row, status) => {
    expect((await owner.get(`/api/v1/batches/${batchId}/rows/${row}`)).status).toBe(status);
  });

  test("the header's and a batch's own task id name no row: 404", async () => {
    for (const id of [batchId, taskIdOf(batchId, 1), taskIdOf(batchId, 7), `${batchId.slice(0, -8)}ffffffff`])
      expect([id, (await owner.get(`/task-status/?task_id=${id}`)).status]).toEqual([id, 404]);
  });

  test.each([
    "limit=0",
    "limit=1001",
    "limit=ten",
    "limit=1.5",
    "cursor=nonsense",
    "cursor=",
    `cursor=${"x".repeat(101)}`,
    `cursor=${Buffer.from("-1").toString("base64url")}`,
    "status=done",
    "status=",
  ])("rows?%s: 400", async (query) => {
    const { status, body } = await owner.get<Problem>(`/api/v1/batches/${batchId}/rows?${query}`);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual([query.split("=")[0]]);
  });

  test.each(["limit=0", "limit=1001", "cursor=nonsense", `cursor=${Buffer.from("7").toString("base64url")}`])(
    "batches?%s: 400",
    async (query) => {
      expect((await owner.get<Problem>(`/api/v1/batches?${query}`)).status).toBe(400);
    },
  );

  test.each(["2147483647", "2147483648", "999999999999999"])(
    "a cursor made up to name row %s is refused or finds nothing",
    async (row) => {
      const cursor = Buffer.from(row).toString("base64url");
      for (const path of [
        `/api/v1/batches/${batchId}/rows?cursor=${cursor}`,
        `/api/v1/batches/${batchId}/rows?status=failed&cursor=${cursor}`,
        `/api/v1/batches/${batchId}/rows?status=pending&cursor=${cursor}`,
        `/batch-status/?batch_id=${batchId}&cursor=${cursor}`,
      ]) {
        const { status, body } = await owner.get<{ items?: object[]; tasks?: object[] }>(path);
        expect([path, status < 500]).toEqual([path, true]);
        expect(body.items ?? body.tasks ?? []).toEqual([]);
      }
    },
  );
});

describe("what a status read costs", () => {
  /** Rows and index entries of a batch's rows and results that were read so far, by anybody. */
  async function rowsRead(): Promise<number> {
    const { pool } = rowmill.ctx;
    // Each connection tells the server what it read; told to, it does so at once.
    const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
    for (const client of clients) {
      await client.query("SELECT pg_stat_force_next_flush()");
      client.release();
    }
    const { rows } = await pool.query(`
      SELECT (SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables
          WHERE relname IN ('batch_rows', 'row_results'))::float
        + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
          WHERE relname IN ('batch_rows', 'row_results'))::float AS read`);
    return rows[0].read;
  }

  test("does not grow with the rows: none of them is read", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(20_000));
    const check = async () => {
      const before = await rowsRead();
      for (let read = 0; read < 20; read++) {
        expect((await user.batch(id)).body.counts.total).toBe(20_000);
        expect((await user.get("/api/v1/batches")).status).toBe(200);
      }
      expect((await rowsRead()) - before).toBe(0);
    };
    await check();
    await work(user, id);
    await check();
  });

  test("is small for a page of rows, wherever in the batch it is", async () => {
    const user = await rowmill.newUser();
    const id = await uploaded(user, HEADER + books(20_000));
    await work(user, id);
    const cursor = Buffer.from("19000").toString("base64url");
    for (const query of [
      "limit=10",
      `limit=10&cursor=${cursor}`,
      `limit=10&status=failed&cursor=${cursor}`,
    ]) {
      const before = await rowsRead();
      const { body } = await user.get<Page<RowView>>(`/api/v1/batches/${id}/rows?${query}`);
      expect(body.items).toHaveLength(10);
      const read = (await rowsRead()) - before;
      // That it is not 0 shows that reads are seen at all.
      expect([query, read > 0, read < 200]).toEqual([query, true, true]);
    }
  });
});
