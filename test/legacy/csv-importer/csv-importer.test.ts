/** The FastAPI CSV importer beyond the requests of its document. */
import { describe, expect, test } from "vitest";
import type { BatchState } from "../../../src/schema/batches.ts";
import type { Client, Problem } from "../../support/client.ts";
import { startRowmill } from "../../support/rowmill.ts";
import { until } from "../../support/until.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";

interface Accepted {
  job_id: number;
  status: string;
  message: string;
}

interface Job {
  id: number;
  original_filename: string;
  status: string;
  csv_data: Record<string, string | string[]>[];
  next?: string;
  error?: string;
}

const CSV = "name,role,loc,extra\nJohn,Dev,NY,...\nJane,Ops,LA,\n";

const upload = (user: Client, content: string, path = "/upload", filename = "data.csv") =>
  user.upload<Accepted>(content, path, filename);
const job = async (user: Client, id: number) => (await user.get<Job>(`/jobs/${id}`)).body;
const done = (user: Client, id: number) =>
  until(`job ${id} is done`, async () => {
    const found = await job(user, id);
    return found.status === "SUCCESS" || found.status === "FAILED" ? found : null;
  });

describe("a job", () => {
  const rowmill = useRowmill({ worker: true });
  const user = useUser(rowmill);

  test("uploading the same file again creates another job", async () => {
    const ids = [(await upload(user, CSV)).body.job_id, (await upload(user, CSV)).body.job_id];
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect((await done(user, id)).csv_data).toHaveLength(2);
  });

  test("a job keeps any header in its order", async () => {
    const { body } = await upload(user, "10,,2,x,x,__proto__\n1,2,3,4,5,6\n1,2,3,4,5,6,7\n");
    await done(user, body.job_id);
    const response = await fetch(`${user.url}/jobs/${body.job_id}`, {
      headers: { authorization: `Bearer ${user.token}` },
    });
    const row = '"10":"1","column_2":"2","2":"3","x":"4","x_2":"5","__proto__":"6"';
    expect(await response.text()).toBe(
      `{"id":${body.job_id},"original_filename":"data.csv","status":"SUCCESS","csv_data":[{${row}},{${row},"_extra":["7"]}]}`,
    );
  });

  test("rows of a large file are returned in pages of a thousand", async () => {
    const rows = Array.from({ length: 2500 }, (_, index) => String(index));
    const { body } = await upload(user, `n\n${rows.join("\n")}\n`);
    const seen: unknown[] = [];
    const sizes: number[] = [];
    let page = await done(user, body.job_id);
    for (;;) {
      seen.push(...page.csv_data.map(({ n }) => n));
      sizes.push(page.csv_data.length);
      if (!page.next) break;
      expect(page.next.startsWith(`${rowmill.config.publicUrl}/jobs/${body.job_id}?cursor=`)).toBe(true);
      page = (await user.get<Job>(page.next.slice(rowmill.config.publicUrl.length))).body;
    }
    expect(sizes).toEqual([1000, 1000, 500]);
    expect(seen).toEqual(rows);
  });

  test("malformed rows are omitted, and a file of nothing else fails", async () => {
    const some = await upload(user, 'a,b\n1,"2"x\n3,4\n');
    expect(await done(user, some.body.job_id)).toMatchObject({
      status: "SUCCESS",
      csv_data: [{ a: "3", b: "4" }],
    });
    const none = await upload(user, 'a,b\n1,"2"x\n');
    const failed = await done(user, none.body.job_id);
    expect(failed).toMatchObject({ status: "FAILED", csv_data: [] });
    expect(failed.error).toMatch(/^None of the 1 rows could be stored\. Row 2: .*quote/);
  });

  test.each<[BatchState, string, string | undefined]>([
    ["receiving", "PENDING", undefined],
    ["queued", "PENDING", undefined],
    ["paused", "PENDING", undefined],
    ["validated", "PENDING", undefined],
    ["processing", "PROCESSING", undefined],
    ["completed", "SUCCESS", undefined],
    ["completed_with_errors", "SUCCESS", undefined],
    ["failed", "FAILED", "said so"],
    ["cancelled", "FAILED", "said so"],
    ["undoing", "FAILED", "said so"],
    ["undone", "FAILED", "said so"],
  ])("a batch that is %s is shown as %s", async (state, status, error) => {
    const { body } = await upload(user, CSV);
    await done(user, body.job_id);
    const isOpen = ["receiving", "queued", "processing", "paused", "undoing"].includes(state);
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.batches SET state = $2, finished_at = $3, reason = 'said so' WHERE number = $1",
      [body.job_id, state, isOpen ? null : new Date()],
    );
    const shown = await job(user, body.job_id);
    expect(shown.status).toBe(status);
    expect(shown.error).toBe(error);
    expect(shown.csv_data).toHaveLength(status === "SUCCESS" ? 2 : 0);
  });

  test("only its owner sees a job, and only importer uploads are jobs", async () => {
    const other = await rowmill.newUser();
    const { body } = await upload(user, CSV);
    const books = await user.upload("title,author\nEmma,Jane Austen\n");
    const answers = [
      await other.get<Problem>(`/jobs/${body.job_id}`),
      await other.get<Problem>("/jobs/999999999"),
      await user.get<Problem>(`/jobs/${books.body.number}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(new Set(answers.map(({ body: problem }) => problem.detail)).size).toBe(1);
  });

  test.each([
    ["/jobs/0", "job_id"],
    ["/jobs/x", "job_id"],
    ["/jobs/1.5", "job_id"],
    ["/jobs/99999999999999999999", "job_id"],
    ["/jobs/1?cursor=x", "cursor"],
  ])("the importer refuses %s", async (path, field) => {
    const { status, body } = await user.get<Problem>(path);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual([field]);
  });

  test("the importer refuses a missing file and stores nothing", async () => {
    const empty = await user.upload<Problem>("", "/upload");
    expect([empty.status, empty.body.code]).toEqual([400, "invalid_input"]);
    const form = new FormData();
    form.set("csv", new Blob([CSV]), "data.csv");
    const { status, body } = await user.send<Problem>("POST", "/upload", { body: form });
    expect([status, Object.keys(body.field_errors)]).toEqual([400, ["file"]]);
    expect((await user.post("/upload", { file: CSV })).status).toBe(415);
  });

  test("the importer requires a login", async () => {
    expect((await upload(rowmill.client, CSV)).status).toBe(401);
    expect((await rowmill.client.get("/jobs/1")).status).toBe(401);
    const { rows } = await rowmill.ctx.pool.query("SELECT FROM rowmill.users WHERE username = 'anonymous'");
    expect(rows).toEqual([]);
  });
});

describe("with ANONYMOUS_UPLOADS", () => {
  const rowmill = useRowmill({ settings: { ANONYMOUS_UPLOADS: "true" }, worker: true });

  test("with ANONYMOUS_UPLOADS an unknown job answers 404, also before the first upload", async () => {
    expect((await rowmill.client.get("/jobs/1")).status).toBe(404);
  });

  test("with ANONYMOUS_UPLOADS a file needs no token, and users' jobs stay private", async () => {
    const user = await rowmill.newUser();
    const mine = await upload(user, CSV);
    const uploads = await Promise.all([upload(rowmill.client, CSV), upload(rowmill.client, CSV)]);
    expect(uploads.map(({ status }) => status)).toEqual([200, 200]);
    for (const { body } of uploads) {
      expect((await done(rowmill.client, body.job_id)).csv_data).toHaveLength(2);
      expect((await user.get(`/jobs/${body.job_id}`)).status).toBe(404);
    }
    expect((await rowmill.client.get(`/jobs/${mine.body.job_id}`)).status).toBe(404);
    expect((await done(user, mine.body.job_id)).csv_data).toHaveLength(2);
  });

  test("with ANONYMOUS_UPLOADS an invalid token is refused", async () => {
    const headers = { authorization: "Bearer nonsense" };
    expect((await rowmill.client.get("/jobs/1", headers)).status).toBe(401);
  });

  test("with ANONYMOUS_UPLOADS other endpoints require a login", async () => {
    for (const path of ["/api/v1/batches", "/api/v1/records", "/books/"])
      expect((await rowmill.client.get(path)).status).toBe(401);
  });

  test("nobody can log in as the anonymous account", async () => {
    await upload(rowmill.client, CSV);
    for (const password of ["!anonymous", "anonymous", "!"]) {
      const { status } = await rowmill.client.post("/api/v1/auth/login", { username: "anonymous", password });
      expect(status).toBe(401);
    }
  });
});

test("an existing account named anonymous stays its owner's", async () => {
  await using rowmill = await startRowmill({ ANONYMOUS_UPLOADS: "true" });
  const user = await rowmill.client.signUp("somebody");
  await rowmill.ctx.pool.query("UPDATE rowmill.users SET username = 'Anonymous'");
  const { status, body } = await rowmill.client.upload<Problem>(CSV, "/upload");
  expect(status).toBe(409);
  expect(body.detail).toContain("Log in");
  expect((await user.get<{ items: unknown[] }>("/api/v1/batches")).body.items).toEqual([]);
});
