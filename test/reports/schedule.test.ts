import { describe, expect, test } from "vitest";
import type { Context } from "../../src/context.ts";
import { handlers } from "../../src/handlers.ts";
import { writeDueReports } from "../../src/reports/write-due-reports.ts";
import type { Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { DAY_MS, daysAgo, entryAt, logEntries } from "../support/logged-requests.ts";
import { makeTask, untilEnded } from "../support/task-client.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true, settings: { REQUEST_LOG_DAYS: "20" } });
const admin = useAdmin(rowmill);
const operator = useAdmin(rowmill, "olga", "operator");
const user = useUser(rowmill);

const { signal } = new AbortController();
/** The only input of scheduled jobs that matters here. */
const job = { delivery: { signal } } as never;

const dayOf = (days: number) => daysAgo(days).toISOString().slice(0, 10);

describe("the schedule", () => {
  test("writes the last day, catches up with missed days, and repeats nothing", async () => {
    const at = (days: number): Context => ({ ...rowmill.ctx, now: () => daysAgo(days, 0.1) });
    expect(await writeDueReports(at(15), "daily", signal)).toEqual({ written: [dayOf(16)] });
    expect(await writeDueReports(at(15), "daily", signal)).toEqual({ written: [] });
    expect(await writeDueReports(at(12), "daily", signal)).toEqual({
      written: [dayOf(15), dayOf(14), dayOf(13)],
    });
    const caughtUp = await writeDueReports(at(0), "daily", signal);
    expect(caughtUp?.written).toEqual([7, 6, 5, 4, 3, 2, 1].map(dayOf));
    const announced =
      "SELECT count(*) FROM rowmill.notifications WHERE kind = 'report.ready' AND user_id = $1";
    expect(await count(rowmill.ctx.pool, announced, [admin.userId])).toBe(11);
  });

  test("replaces a report that was written before the end of its day", async () => {
    const at = (days: number, hour: number): Context => ({ ...rowmill.ctx, now: () => daysAgo(days, hour) });
    await rowmill.ctx.pool.query("DELETE FROM rowmill.reports");
    const report = await admin.post("/api/v1/reports", { kind: "daily", date: dayOf(0) });
    expect(report.body.data).toMatchObject({ is_complete: false });
    expect(await writeDueReports(at(-1, 0.1), "daily", signal)).toEqual({ written: [dayOf(0)] });
    expect((await admin.get(`/api/v1/reports/daily-${dayOf(0)}`)).body.data).toMatchObject({
      is_complete: true,
    });
  });

  test("writes the week before on its day", async () => {
    const monday = Math.floor((Date.now() - 4 * DAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + 4 * DAY_MS;
    const ctx: Context = { ...rowmill.ctx, now: () => new Date(monday + 900_000) };
    const written = await handlers.weeklyReport(ctx, job);
    expect(written).toEqual({ written: [new Date(monday - 7 * DAY_MS).toISOString().slice(0, 10)] });
  });

  test("the schedule ends between two reports if the worker stops", async () => {
    const stopped = AbortSignal.abort(new Error("The worker stops."));
    const ctx: Context = { ...rowmill.ctx, now: () => daysAgo(-2, 0.1) };
    await expect(writeDueReports(ctx, "daily", stopped)).rejects.toThrow("The worker stops.");
    expect((await admin.get(`/api/v1/reports/daily-${dayOf(-1)}`)).status).toBe(404);
  });

  test("writes nothing if requests are not logged", async () => {
    const ctx = { ...rowmill.ctx, config: { ...rowmill.config, requestLog: false } };
    expect(await handlers.dailyReport(ctx, job)).toBeUndefined();
  });
});

describe("task types", () => {
  const NAMES = ["cleanup_old_logs", "generate_daily_report", "process_api_analytics"];

  test("only administrators see them and create their tasks", async () => {
    const visible = async (client: typeof user) => {
      const { body } = await client.get<{ items: { name: string }[] }>("/api/v1/task-types");
      return body.items.map(({ name }) => name).filter((name) => NAMES.includes(name));
    };
    expect(await visible(admin)).toEqual(NAMES);
    for (const client of [user, operator]) {
      expect(await visible(client)).toEqual([]);
      for (const type of NAMES) expect((await client.post("/api/v1/tasks", { type })).status).toBe(403);
    }
  });

  test("generate_daily_report has the report as its result, and stores it", async () => {
    await logEntries(rowmill.ctx, [entryAt(daysAgo(2)), entryAt(daysAgo(2), { status: 500 })]);
    const { id } = await makeTask(admin, { type: "generate_daily_report", params: { date: dayOf(2) } });
    const task = await untilEnded(admin, id);
    expect(task.result).toMatchObject({
      message: `Report of ${dayOf(2)}: 2 requests.`,
      date: dayOf(2),
      total_requests: 2,
      success_rate: "50.0%",
    });
    const { body } = await admin.get<{ data: object }>(`/api/v1/reports/daily-${dayOf(2)}`);
    expect(task.result).toMatchObject(body.data);
  });

  test("process_api_analytics has the analytics of the week as its result", async () => {
    const { id } = await makeTask(admin, { type: "process_api_analytics", params: {} });
    const { result, status } = await untilEnded(admin, id);
    expect(status).toBe("completed");
    expect(result).toMatchObject({
      message: expect.stringMatching(/^Analytics of the week from .* requests\.$/),
    });
    expect(result).toHaveProperty("week_over_week");
  });

  test("a wrong date is refused with the task, and a date without a log fails it at once", async () => {
    const body = { type: "generate_daily_report", params: { date: "2026-02-30" } };
    const refused = await admin.post<Problem>("/api/v1/tasks", body);
    expect(refused.status).toBe(400);
    expect(Object.keys(refused.body.field_errors)).toEqual(["params.date"]);
    const { id } = await makeTask(admin, { ...body, params: { date: dayOf(25) } });
    const task = await untilEnded(admin, id);
    expect(task).toMatchObject({ status: "failed", error_code: "invalid_input", retry_count: 0 });
    expect(task.error_message).toContain("REQUEST_LOG_DAYS");
  });

  test("cleanup_old_logs removes expired entries, and so does the daily clean-up", async () => {
    const { ctx } = rowmill;
    const expired = "SELECT count(*) FROM rowmill.request_log WHERE at < now() - interval '21 days'";
    await logEntries(ctx, [entryAt(daysAgo(22)), entryAt(daysAgo(23)), entryAt(daysAgo(19))]);
    const { id } = await makeTask(admin, { type: "cleanup_old_logs", params: {} });
    const { result } = await untilEnded(admin, id);
    expect(result).toEqual({
      message: "Removed 0 days and 2 single entries older than 20 days.",
      days_removed: 0,
      entries_removed: 2,
    });
    await logEntries(ctx, [entryAt(daysAgo(22))]);
    expect(await handlers.clean(ctx, job)).toMatchObject({
      requestLogRemoved: { days: 0, daysInUse: 0, entries: 1 },
    });
    expect(await count(ctx.pool, expired)).toBe(0);
  });
});
