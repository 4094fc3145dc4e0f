import { describe, expect, test } from "vitest";
import { renderPage } from "../../src/platform/http/pages.ts";
import { linearScale, logarithmicScale } from "../../src/reports/charts/axes.ts";
import { reportPage } from "../../src/reports/report-page.ts";
import type { DailyView, WeeklyView } from "../../src/reports/views.ts";
import { all } from "../support/pages.ts";
import { emptyDay, sampleDay, sampleWeek } from "../support/sample-reports.ts";

const pageOf = (report: DailyView | WeeklyView) => renderPage(reportPage(report)).text;

/** The charts by their titles. */
function chartsOf(page: string): Record<string, string> {
  const figures = all(page, /<figure>([\s\S]*?)<\/figure>/g).filter((figure) =>
    figure.includes('role="img"'),
  );
  return Object.fromEntries(figures.map((figure) => [all(figure, /<h2>([^<]*)/g)[0], figure]));
}

const numbersOf = (chart: string, attribute: string) =>
  all(chart, new RegExp(` ${attribute}="([^"]*)"`, "g")).map(Number);

/** The figures of the table of a chart, row by row. */
function rowsOf(chart = ""): string[][] {
  return all(chart, /<tr>(<th scope="row">[\s\S]*?)<\/tr>/g).map((row) => all(row, /<t[hd][^>]*>([^<]*)/g));
}

const { date: _, hours: __, ...nothing } = emptyDay;
const emptyWeek: WeeklyView = {
  ...sampleWeek,
  ...nothing,
  days: emptyDay.hours.slice(0, 7),
  ...{
    endpoints: [],
    failing_endpoints: [],
    users: { active: 0, created: 0, total: 0 },
    week_over_week: null,
  },
};

const reports = {
  "a day": sampleDay,
  "a week": sampleWeek,
  "an empty day": emptyDay,
  "an empty week": emptyWeek,
};

describe.each(Object.entries(reports))("the page of %s", (_, report) => {
  const page = pageOf(report);

  test("draws every mark within its chart", () => {
    for (const chart of Object.values(chartsOf(page))) {
      const svg = /<svg role="img"[\s\S]*?<\/svg>/.exec(chart)?.[0] ?? "";
      const [, , width = 0, height = 0] = (all(svg, /viewBox="([^"]+)"/g)[0] ?? "").split(" ").map(Number);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      for (const x of ["x", "x1", "x2", "cx"].flatMap((name) => numbersOf(svg, name))) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(width);
      }
      for (const y of ["y", "y1", "y2", "cy", "height"].flatMap((name) => numbersOf(svg, name))) {
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(height);
      }
    }
  });

  test("names and describes each chart, and has its colours from the style alone", () => {
    const ids = all(page, / id="([^"]+)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    for (const chart of Object.values(chartsOf(page))) {
      const names = all(chart, /aria-labelledby="([^"]+)"/g)[0]?.split(" ");
      expect(names).toEqual(all(chart, /<(?:title|desc) id="([^"]+)">[^<]+</g));
      expect(rowsOf(chart)).not.toEqual([]);
    }
    expect(page).not.toMatch(/ (style|fill|stroke)=/);
  });
});

test("the page of a day shows requests, response times, statuses, imports and tasks, each with a table", () => {
  const charts = chartsOf(pageOf(sampleDay));
  expect(Object.keys(charts)).toEqual([
    "Requests per hour (UTC)",
    "Response time per hour (UTC), in ms",
    "Answers by status",
    "Imports by outcome",
    "Tasks by outcome",
  ]);
  expect(rowsOf(charts["Requests per hour (UTC)"])).toHaveLength(24);
  expect(rowsOf(charts["Requests per hour (UTC)"])[10]).toEqual(["10", "1,610", "338"]);
  expect(rowsOf(charts["Response time per hour (UTC), in ms"])[10]).toEqual(["10", "6", "88", "4,210.4"]);
  expect(rowsOf(charts["Answers by status"])).toContainEqual(["404", "293"]);
  expect(rowsOf(charts["Imports by outcome"])).toContainEqual(["completed with errors", "6"]);
});

test("hours without requests are gaps of the lines", () => {
  const chart = chartsOf(pageOf(sampleDay))["Response time per hour (UTC), in ms"] ?? "";
  expect(rowsOf(chart)[2]).toEqual(["02", "–", "–", "–"]);
  expect(
    all(chart, /<polyline class="line plain" points="([^"]+)"/g).map((line) => line.split(" ").length),
  ).toEqual([2, 20]);
  expect(all(chart, /<circle class="plain"()/g)).toHaveLength(22);
});

test("an hour with event streams alone has no response time", () => {
  const hours = emptyDay.hours.map((hour, at) => (at === 3 ? { ...hour, requests: 2 } : hour));
  const page = pageOf({ ...emptyDay, total_requests: 2, statuses: { "200": 2 }, hours });
  expect(page).toContain("No requests with a response time.");
  expect(rowsOf(chartsOf(page)["Requests per hour (UTC)"])[3]).toEqual(["03", "2", "0"]);
});

test("the page of a week compares it with the week before, each number with its own scale", () => {
  const chart = chartsOf(pageOf(sampleWeek))["Week over week"] ?? "";
  expect(rowsOf(chart)).toEqual([
    ["Requests", "102,040", "90,702", "+12.5%"],
    ["Failed requests", "1,411", "2,010", "-29.8%"],
    ["Users", "96", "88", "+9.1%"],
    ["Mean response, in ms", "18.4", "21.9", "-16.0%"],
    ["Imports", "355", "0", "–"],
    ["Tasks", "1,253", "1,190", "+5.3%"],
  ]);
  const longest = Math.max(...numbersOf(chart, "width"));
  expect(numbersOf(chart, "width").filter((width) => width === longest)).toHaveLength(6);
});

test("a period without requests has no charts of them, and no rate that looks like a failure", () => {
  for (const page of [pageOf(emptyDay), pageOf(emptyWeek)]) {
    expect(chartsOf(page)).toEqual({});
    expect(page).toContain("No requests in this period.");
    expect(page).toContain("No imports were created.");
    expect(page).not.toContain("0.0%");
  }
  expect(pageOf(emptyWeek)).toContain("The log of the week before was deleted, so there is no comparison.");
});

test("texts of clients are escaped wherever they are shown", () => {
  const hostile = `"><script>alert(1)</script>`;
  const page = pageOf({
    ...sampleWeek,
    top_endpoints: { [hostile]: 1 },
    top_users: [{ user_id: 1, username: hostile, requests: 1, failed: 0 }],
    statuses: { [hostile]: 1 },
    imports: { [hostile]: 1 },
    week_over_week: { [hostile]: { current: 1, previous: 1, change: hostile } },
  });
  expect(page).not.toContain("<script");
  expect(all(page, /(&quot;&gt;&lt;script&gt;)/g).length).toBeGreaterThan(5);
});

describe("scales", () => {
  test.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [1822, [0, 500, 1000, 1500, 2000]],
    [21_207, [0, 10_000, 20_000, 30_000]],
    [2 ** 31, [0, 1e9, 2e9, 3e9]],
  ])("columns up to %d have the ticks %j", (highest, ticks) => {
    expect(linearScale(highest).ticks).toEqual(ticks);
  });

  test.each([
    [
      [0.04, 0.6],
      [0.01, 0.1, 1],
    ],
    [
      [5, 9],
      [1, 10],
    ],
    [
      [0, 10],
      [1, 10],
    ],
    [
      [6, 4210.4],
      [1, 10, 100, 1000, 10_000],
    ],
  ])("lines of %j have the ticks %j", (values, ticks) => {
    expect(logarithmicScale(values).ticks).toEqual(ticks);
  });
});
