import { describe, expect, test } from "vitest";
import { html } from "../../src/platform/html.ts";
import { parseReportId, periodAt, periodBefore, periodOf, reportIdOf } from "../../src/reports/periods.ts";
import { reportCsv } from "../../src/reports/report-csv.ts";

describe("periods", () => {
  test.each([
    ["daily", "2026-11-25", "2026-11-25", "2026-11-26"],
    ["daily", "2024-02-29", "2024-02-29", "2024-03-01"],
    ["weekly", "2026-11-23", "2026-11-23", "2026-11-30"],
    ["weekly", "2026-11-29", "2026-11-23", "2026-11-30"],
    ["weekly", "2027-01-01", "2026-12-28", "2027-01-04"],
    ["weekly", "1969-12-31", "1969-12-29", "1970-01-05"],
  ] as const)("the %s period of %s begins on %s and ends before %s", (kind, date, start, end) => {
    const period = periodOf(kind, date);
    expect(period).toEqual({ kind, start, from: new Date(start), to: new Date(end) });
    expect(periodBefore(period).to).toEqual(period.from);
  });

  test("a period begins at midnight in UTC", () => {
    expect(periodAt("daily", new Date("2026-11-25T23:59:59.999Z")).start).toBe("2026-11-25");
    expect(periodAt("daily", new Date("2026-11-26T00:00:00Z")).start).toBe("2026-11-26");
    expect(periodAt("weekly", new Date("2026-11-29T23:59:59.999Z")).start).toBe("2026-11-23");
  });

  test.each(["2026-02-30", "2026-13-01", "26-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "", "yesterday"])(
    "%j is not a date",
    (date) => {
      expect(() => periodOf("daily", date)).toThrow("must be a date");
      expect(parseReportId(`daily-${date}`)).toBeNull();
    },
  );

  test("an id names the kind and the first day", () => {
    const id = reportIdOf({ kind: "weekly", start: "2026-11-23" });
    expect(id).toBe("weekly-2026-11-23");
    expect(parseReportId(id)).toEqual({ kind: "weekly", start: "2026-11-23" });
    expect(parseReportId("monthly-2026-11-23")).toBeNull();
  });
});

test("templates escape all values but other templates", () => {
  const hostile = `<a href="x" title='y'>&`;
  const escaped = "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;";
  expect(html`<p>${hostile}</p>`.text).toBe(`<p>${escaped}</p>`);
  expect(html`<ul>${["<b>", 1].map((item) => html`<li>${item}</li>`)}</ul>`.text).toBe(
    "<ul><li>&lt;b&gt;</li><li>1</li></ul>",
  );
  expect(html`${[hostile, [hostile]]}`.text).toBe(escaped + escaped);
});

test("the CSV of a report has one line per value, however deep it is", () => {
  const csv = reportCsv({
    date: "2026-11-25",
    top: { "/a,b": 2 },
    parts: [{ start: "x", ms: { p50: 1 } }],
    changes: { total: { current: 1, previous: null } },
  });
  expect(csv).toBe(
    [
      "section,item,field,value",
      "report,,date,2026-11-25",
      'top,"/a,b",,2',
      "parts,1,start,x",
      "parts,1,ms.p50,1",
      "changes,total,current,1",
      "changes,total,previous,",
      "",
    ].join("\n"),
  );
});
