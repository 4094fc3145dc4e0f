import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import type { EndedRequest } from "../../src/platform/http/ended-requests.ts";
import { buildDaily } from "../../src/reports/build-report.ts";
import { dateOf, periodAt, periodBefore, periodOf } from "../../src/reports/periods.ts";
import { readImports, readTasks } from "../../src/reports/read-work.ts";
import type { DailyView } from "../../src/reports/views.ts";
import { writeReport } from "../../src/reports/write-report.ts";
import { readMissing } from "../../src/request-log/read-missing.ts";
import type { Answer, Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { DAY_MS, daysAgo, entryAt, logEntries } from "../support/logged-requests.ts";
import { testOnOneServer } from "../support/one-server.ts";
import { explaining } from "../support/plans.ts";
import { makeTask } from "../support/task-client.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

// Its own requests would be in the reports.
const rowmill = useRowmill({ settings: { REQUEST_LOG: "off" } });
const admin = useAdmin(rowmill);
const operator = useAdmin(rowmill, "olga", "operator");
const user = useUser(rowmill, "ada");

const HOSTILE = '<script>alert("1")</script>';

interface ReportBody {
  readonly id: string;
  readonly kind: string;
  readonly period_start: string;
  readonly created_at: string;
  readonly data: DailyView & { [name: string]: unknown };
}

const write = (kind: string, date?: string): Promise<Answer<ReportBody>> =>
  admin.post("/api/v1/reports", { kind, ...(date === undefined ? {} : { date }) });

/** As many entries as each number says, spread over the day. */
function requests(
  day: number,
  numbers: Record<string, [count: number, own: Partial<EndedRequest>]>,
): EndedRequest[] {
  return Object.entries(numbers).flatMap(([route, [count, own]]) =>
    Array.from({ length: count }, (_, index) => entryAt(daysAgo(day, index % 24), { route, ...own })),
  );
}

describe("the daily report", () => {
  const date = dateOf(daysAgo(1));

  beforeAll(async () => {
    // The example of the replaced service: 145 requests, of which 13 failed, of 8 users at 12 addresses.
    const entries = [
      ...requests(1, {
        "/api/protected/": [45, {}],
        "/api/public/": [38, {}],
        "/api/login/": [25, { method: "POST" }],
        "/api/v1/books": [24, {}],
        "/api/v1/batches/{batch_id}": [13, { status: 404 }],
      }),
    ].map((entry, index) => ({
      ...entry,
      ms: 87,
      userId: index % 9 === 8 ? null : (index % 9) + 1000,
      address: `192.0.2.${index % 12}`,
    }));
    // These days are neighbours.
    const others = [entryAt(daysAgo(2, 23.999)), entryAt(daysAgo(0, 0))];
    await logEntries(rowmill.ctx, [...entries, ...others]);
  });

  test("the daily report has the fields, names and formats of the replaced service", async () => {
    const { status, body } = await write("daily", date);
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: `daily-${date}`, kind: "daily", period_start: date });
    expect(Object.entries(body.data).slice(0, 9)).toEqual([
      ["date", date],
      ["total_requests", 145],
      ["successful_requests", 132],
      ["failed_requests", 13],
      ["success_rate", "91.0%"],
      ["unique_users", 8],
      ["unique_ips", 12],
      ["avg_response_time", "0.087s"],
      ["top_endpoints", expect.anything()],
    ]);
    expect(Object.entries(body.data.top_endpoints)).toEqual([
      ["/api/protected/", 45],
      ["/api/public/", 38],
      ["/api/login/", 25],
      ["/api/v1/books", 24],
      ["/api/v1/batches/{batch_id}", 13],
    ]);
    expect(body.data).toMatchObject({
      unique_ips_counts: "addresses",
      statuses: { "200": 132, "404": 13 },
      missing_requests: 0,
      is_complete: true,
    });
  });

  test("the daily report has the requests of each hour and the most active users, also deleted ones", async () => {
    const { data } = (await write("daily", date)).body;
    expect(data.hours).toHaveLength(24);
    expect(data.hours[0]).toEqual({
      start: `${date}T00:00:00.000Z`,
      requests: 8,
      failed: 1,
      response_ms: { p50: 87, p95: 87, p99: 87 },
    });
    expect(data.hours.reduce((sum, { requests }) => sum + requests, 0)).toBe(145);
    expect(data.top_users).toHaveLength(8);
    expect(data.top_users[0]).toEqual({
      user_id: 1000,
      username: null,
      requests: 17,
      failed: expect.any(Number),
    });
  });

  test("the daily report is the report of yesterday without a date, and says if its day has not ended", async () => {
    expect((await write("daily")).body.id).toBe(`daily-${date}`);
    const { body: today } = await write("daily", dateOf(new Date()));
    expect(today.data.is_complete).toBe(false);
  });
});

test("percentiles, means and slowest endpoints are exact, and event streams have no duration", async () => {
  const entries = [
    ...Array.from({ length: 101 }, (_, ms) => entryAt(daysAgo(3), { ms, route: "/api/v1/tasks" })),
    ...Array.from({ length: 3 }, () => entryAt(daysAgo(3), { ms: 40, route: "/api/v1/files", status: 500 })),
    entryAt(daysAgo(3), { ms: null, route: "/api/v1/tasks/{task_id}/events" }),
  ];
  await logEntries(rowmill.ctx, entries);
  const { data } = (await write("daily", dateOf(daysAgo(3)))).body;
  expect(data.slowest_endpoints).toEqual([
    {
      method: "GET",
      route: "/api/v1/tasks",
      requests: 101,
      failed: 0,
      error_rate: "0.0%",
      avg_response_time: "0.050s",
      response_ms: { p50: 50, p95: 95, p99: 99 },
    },
    {
      method: "GET",
      route: "/api/v1/files",
      requests: 3,
      failed: 3,
      error_rate: "100.0%",
      avg_response_time: "0.040s",
      response_ms: { p50: 40, p95: 40, p99: 40 },
    },
    {
      method: "GET",
      route: "/api/v1/tasks/{task_id}/events",
      requests: 1,
      failed: 0,
      error_rate: "0.0%",
      avg_response_time: "0.000s",
      response_ms: { p50: 0, p95: 0, p99: 0 },
    },
  ]);
  expect(data).toMatchObject({ total_requests: 105, response_ms: { p50: 48.5, p95: 94.9, p99: 99 } });
  expect(data.hours[12]).toMatchObject({ requests: 105, response_ms: data.response_ms });
  expect(data.hours[13]).toMatchObject({ requests: 0, response_ms: { p50: 0, p95: 0, p99: 0 } });
});

test("a day without requests has a report of zeros", async () => {
  const { data } = (await write("daily", dateOf(daysAgo(5)))).body;
  expect(data).toMatchObject({
    total_requests: 0,
    successful_requests: 0,
    failed_requests: 0,
    success_rate: "0.0%",
    unique_users: 0,
    unique_ips: 0,
    avg_response_time: "0.000s",
    top_endpoints: {},
    response_ms: { p50: 0, p95: 0, p99: 0 },
    top_users: [],
    slowest_endpoints: [],
    statuses: {},
    imports: {},
    tasks: {},
  });
});

test("a report says what unique_ips counts, and how many requests the log lacks", async () => {
  const { ctx } = rowmill;
  await ctx.pool.query("INSERT INTO rowmill.request_log_gaps (at, requests) VALUES ($1, 40), ($1, 2)", [
    daysAgo(6),
  ]);
  const period = periodOf("daily", dateOf(daysAgo(6)));
  const read = (requestLogAddress: Config["requestLogAddress"]) =>
    buildDaily({ ...ctx, config: { ...ctx.config, requestLogAddress } }, period);
  expect(await read("network")).toMatchObject({ unique_ips_counts: "networks", missing_requests: 42 });
  expect(await read("none")).toMatchObject({ unique_ips_counts: "nothing" });
});

describe("the weekly report", () => {
  test("compares the week with the week before, and counts users, imports and tasks", async () => {
    const { body: batch } = await user.upload("title,author\nEmma,Jane Austen\n");
    await makeTask(user);
    const week = periodAt("weekly", new Date());
    const before = periodBefore(week);
    const inWeek = (from: Date, count: number, own: Partial<EndedRequest>) =>
      Array.from({ length: count }, (_, day) => entryAt(new Date(from.getTime() + (day % 7) * DAY_MS), own));
    await rowmill.ctx.pool.query("DELETE FROM rowmill.request_log");
    await logEntries(rowmill.ctx, [
      ...inWeek(week.from, 27, { userId: user.userId, ms: 30 }),
      ...inWeek(week.from, 9, { route: "/api/v1/batches", method: "POST", status: 413, ms: 30 }),
      ...inWeek(before.from, 32, { userId: user.userId, ms: 40 }),
    ]);
    const { data } = (await write("weekly", dateOf(new Date()))).body;
    expect(data).toMatchObject({
      week_start: week.start,
      week_end: dateOf(new Date(week.to.getTime() - 1)),
      total_requests: 36,
      success_rate: "75.0%",
      avg_response_time: "0.030s",
      is_complete: false,
      top_users: [{ user_id: user.userId, username: "ada", requests: 27, failed: 0 }],
      users: { active: 1, created: 3, total: 3 },
      imports: { queued: 1 },
      tasks: { pending: 1 },
      failing_endpoints: [{ method: "POST", route: "/api/v1/batches", failed: 9, error_rate: "100.0%" }],
      week_over_week: {
        total_requests: { current: 36, previous: 32, change: "+12.5%" },
        failed_requests: { current: 9, previous: 0, change: null },
        unique_users: { current: 1, previous: 1, change: "0.0%" },
        avg_response_ms: { current: 30, previous: 40, change: "-25.0%" },
        imports: { current: 1, previous: 0, change: null },
        tasks: { current: 1, previous: 0, change: null },
      },
    });
    expect(data.days).toHaveLength(7);
    expect(data.endpoints).toHaveLength(2);
    expect(batch.id).toBeTruthy();
  });

  test("the weekly report has no comparison if the log of the week before was deleted", async () => {
    const { ctx } = rowmill;
    const config = { ...ctx.config, requestLogDays: 8 };
    const monday = periodAt("weekly", new Date()).from;
    const now = () => new Date(monday.getTime() + 900_000);
    const { data } = await writeReport({ ...ctx, config, now }, "weekly");
    expect(data).toMatchObject({ week_over_week: null, is_complete: true });
  });
});

testOnOneServer("a week of imports and tasks is read by index, without statistics", async () => {
  const { pool } = rowmill.ctx;
  await pool.query("ALTER TABLE rowmill.tasks SET (autovacuum_enabled = off)");
  // PostgreSQL 15 reads a table of ten pages, which is what it expects of an empty one, rather than five ranges of an index.
  await pool.query(
    `INSERT INTO rowmill.tasks (id, user_id, type, queue, params, max_retries, job_id, metadata, created_at)
     SELECT gen_random_uuid(), $1, 'generic', 'default', '{}', 3, gen_random_uuid(), '{}', now() - interval '1 year' FROM generate_series(1, 2000)`,
    [user.userId],
  );
  await using plans = await explaining(rowmill.ctx);
  const week = periodAt("weekly", new Date());
  await readImports(plans.db, week);
  await readTasks(plans.db, week);
  await readMissing(plans, week);
  expect(plans.scans("batches")).toEqual(["batches_pkey (id)"]);
  expect(plans.scans("tasks")).toEqual(["tasks_status (status, created_at)"]);
  expect(plans.scans("request_log_gaps")).toEqual(["request_log_gaps_at (at)"]);
});

describe("a report is stored once per period", () => {
  const date = dateOf(daysAgo(4));
  const stored = () =>
    count(
      rowmill.ctx.pool,
      "SELECT count(*) FROM rowmill.reports WHERE kind = 'daily' AND period_start = $1",
      [date],
    );

  test("a report that is written again replaces the earlier one", async () => {
    const first = await write("daily", date);
    await logEntries(rowmill.ctx, [entryAt(daysAgo(4))]);
    const second = await write("daily", date);
    expect(second.body.data.total_requests).toBe(first.body.data.total_requests + 1);
    expect(second.body.created_at > first.body.created_at).toBe(true);
    expect(await stored()).toBe(1);
    expect((await admin.get(`/api/v1/reports/daily-${date}`)).body).toEqual(second.body);
  });

  test("reports that are written at the same time are one report, announced once to each admin", async () => {
    const { pool } = rowmill.ctx;
    const at = dateOf(daysAgo(7));
    const answers = await Promise.all([1, 2, 3, 4].map(() => write("daily", at)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    const { rows } = await pool.query(
      "SELECT user_id::int AS id, data FROM rowmill.notifications WHERE kind = 'report.ready' AND subject_id = $1",
      [`daily-${at}`],
    );
    expect(rows).toEqual([
      { id: admin.userId, data: { report_id: `daily-${at}`, kind: "daily", period_start: at } },
    ]);
  });

  test("a report of a day that has not ended is announced when it is complete", async () => {
    const { ctx } = rowmill;
    const now = (hours: number) => () => new Date(daysAgo(9, hours).getTime());
    const announced = () =>
      count(ctx.pool, "SELECT count(*) FROM rowmill.notifications WHERE subject_id = $1", [
        `daily-${dateOf(daysAgo(9))}`,
      ]);
    await writeReport({ ...ctx, now: now(12) }, "daily", { date: dateOf(daysAgo(9)) });
    expect(await announced()).toBe(0);
    await writeReport({ ...ctx, now: now(25) }, "daily");
    expect(await announced()).toBe(1);
  });
});

describe("requests that are refused", () => {
  const refusal = async (body: unknown) => (await admin.post<Problem>("/api/v1/reports", body)).body;

  test.each([
    ["a date that the calendar lacks", { kind: "daily", date: "2026-02-30" }, "date"],
    ["a date with a time", { kind: "daily", date: "2026-11-25T00:00:00Z" }, "date"],
    ["an unknown kind", { kind: "monthly" }, "kind"],
    ["no kind", {}, "kind"],
  ])("%s", async (_, body, field) => {
    const problem = await refusal(body);
    expect(problem.status).toBe(400);
    expect(Object.keys(problem.field_errors)).toEqual([field]);
  });

  test("a period in the future, and one whose log was deleted, which would replace its report by zeros", async () => {
    expect((await refusal({ kind: "daily", date: dateOf(daysAgo(-1)) })).detail).toBe(
      "date: must not be in the future.",
    );
    const old = await refusal({ kind: "daily", date: dateOf(daysAgo(31)) });
    expect(old.detail).toBe(
      "date: the request log is kept for 30 days (REQUEST_LOG_DAYS). Choose a later date.",
    );
    expect((await admin.get("/api/v1/reports/daily-2020-01-01")).status).toBe(404);
    expect((await admin.get("/api/v1/reports/daily-2020-02-30")).status).toBe(404);
    expect((await admin.get("/api/v1/reports/yearly-2020-01-01")).status).toBe(400);
    expect((await admin.get("/api/v1/reports?cursor=AAAA")).status).toBe(400);
  });

  test("users without the role of operators", async () => {
    const paths = [
      "/api/v1/reports",
      "/api/v1/reports/daily-2026-11-25",
      "/api/v1/reports/daily-2026-11-25/report.csv",
    ];
    for (const path of paths) {
      expect((await user.get(path)).status).toBe(403);
      expect((await rowmill.client.get(path)).status).toBe(401);
    }
    expect((await user.post("/api/v1/reports", { kind: "daily" })).status).toBe(403);
    expect((await operator.post("/api/v1/reports", { kind: "daily" })).status).toBe(201);
  });
});

test("the list has the latest period first, in pages", async () => {
  await rowmill.ctx.pool.query("DELETE FROM rowmill.reports");
  for (const day of [1, 2, 3]) await write("daily", dateOf(daysAgo(day)));
  const weekly = (await write("weekly", dateOf(daysAgo(14)))).body;
  interface List {
    items: { id: string }[];
    next_cursor: string | null;
  }
  const all = (await admin.get<List>("/api/v1/reports")).body.items;
  expect(all.map(({ id }) => id)).toEqual([
    ...[1, 2, 3].map((day) => `daily-${dateOf(daysAgo(day))}`),
    weekly.id,
  ]);
  expect(Object.keys(all[0] ?? {})).not.toContain("data");
  const first = (await admin.get<List>("/api/v1/reports?limit=2&kind=daily")).body;
  const second = (await admin.get<List>(`/api/v1/reports?limit=2&kind=daily&cursor=${first.next_cursor}`))
    .body;
  expect([...first.items, ...second.items]).toEqual(all.slice(0, 3));
  expect(second.next_cursor).toBeNull();
});

describe("files", () => {
  const date = dateOf(daysAgo(8));

  beforeAll(async () => {
    await rowmill.ctx.pool.query("DELETE FROM rowmill.request_log");
    await rowmill.ctx.pool.query("UPDATE rowmill.users SET username = '=cmd()' WHERE id = $1", [
      operator.userId,
    ]);
    await logEntries(rowmill.ctx, [
      entryAt(daysAgo(8), { route: HOSTILE, userId: operator.userId }),
      entryAt(daysAgo(8), { route: "=1+1", method: HOSTILE }),
    ]);
    await write("daily", date);
  });

  const download = async (format: string) => {
    const headers = { authorization: `Bearer ${admin.token}` };
    const response = await fetch(`${rowmill.url}/api/v1/reports/daily-${date}/report.${format}`, { headers });
    return { headers: response.headers, text: await response.text(), status: response.status };
  };

  test("the page escapes everything, and its policy allows its own style alone", async () => {
    const { headers, text } = await download("html");
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
    const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? "";
    expect(policy).toContain(createHash("sha256").update(style).digest("base64"));
    expect(text).not.toMatch(/<script|javascript:|https?:\/\/|style=|\son\w+=/i);
    expect(text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
    expect(text).toContain(">=cmd()</th>");
  });

  test("the page of a week shows every part", async () => {
    const { from } = periodAt("weekly", new Date());
    await logEntries(rowmill.ctx, [entryAt(from, { status: 500, userId: operator.userId })]);
    const { body } = await write("weekly", dateOf(new Date()));
    const headers = { authorization: `Bearer ${admin.token}` };
    const response = await fetch(`${rowmill.url}/api/v1/reports/${body.id}/report.html`, { headers });
    const titles = [...(await response.text()).matchAll(/<h2>([^<]+)<\/h2>/g)].map(([, title]) => title);
    expect(titles).toEqual([
      "Requests per day",
      "Response time per day, in ms",
      "Answers by status",
      "Week over week",
      "Imports by outcome",
      "Tasks by outcome",
      "Most used paths",
      "Slowest endpoints",
      "Failing endpoints",
      "Most used endpoints",
      "Users",
      "Most active users",
    ]);
  });

  test("the CSV has one value per line, and no cell that a spreadsheet would run", async () => {
    const { headers, text } = await download("csv");
    expect(headers.get("content-disposition")).toBe(`attachment; filename="daily-${date}.csv"`);
    const lines = text.split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "section,item,field,value",
      `report,,date,${date}`,
      "report,,total_requests,2",
    ]);
    expect(lines).toEqual(
      expect.arrayContaining([
        "top_endpoints,'=1+1,,1",
        "top_users,1,username,'=cmd()",
        "slowest_endpoints,2,route,'=1+1",
        "slowest_endpoints,1,response_ms.p95,10",
        "hours,13,requests,2",
      ]),
    );
    expect(text).not.toMatch(/(^|,)=/m);
  });

  test("a format that does not exist is refused", async () => {
    expect((await download("pdf")).status).toBe(400);
  });
});
