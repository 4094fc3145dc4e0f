import { describe, expect, test } from "vitest";
import { CronError, parseCron } from "../../../src/platform/cron/expression.ts";
import { latestTick, nextTick, ticksAfter } from "../../../src/platform/cron/ticks.ts";
import { isTimeZone } from "../../../src/platform/cron/zone.ts";

function ticks(cron: string, timezone: string, after: string, count: number): string[] {
  return ticksAfter({ cron, timezone }, new Date(after))
    .take(count)
    .map((tick) => tick.toISOString().slice(5, 16))
    .toArray();
}

const NEW_YORK = "America/New_York";
const BERLIN = "Europe/Berlin";
const LORD_HOWE = "Australia/Lord_Howe";

describe("changes of the clock", () => {
  test.each([
    ["a skipped time is due later", "30 2 * * *", NEW_YORK, "2026-03-07T12:00Z", "03-08T07:30 03-09T06:30"],
    ["an hour goes on", "0 * * * *", NEW_YORK, "2026-03-08T06:30Z", "03-08T07:00 03-08T08:00"],
    ["quarters go on", "*/15 * * * *", NEW_YORK, "2026-03-08T06:40Z", "03-08T06:45 03-08T07:00 03-08T07:15"],
    ["a repeated time is due once", "30 1 * * *", NEW_YORK, "2026-10-31T12:00Z", "11-01T05:30 11-02T06:30"],
    ["both hours are due", "0 * * * *", NEW_YORK, "2026-11-01T04:30Z", "11-01T05:00 11-01T06:00 11-01T07:00"],
    [
      "halves of one hour",
      "*/30 1 * * *",
      NEW_YORK,
      "2026-11-01T04:45Z",
      "11-01T05:00 11-01T05:30 11-02T06:00",
    ],
    ["two hours a day", "0 1,3 * * *", NEW_YORK, "2026-11-01T04:45Z", "11-01T05:00 11-01T08:00 11-02T06:00"],
    ["skipped halves", "0,30 2 * * *", BERLIN, "2026-03-28T12:00Z", "03-29T01:00 03-29T01:30 03-30T00:00"],
    ["no time twice", "0,30 2,3 * * *", BERLIN, "2026-03-28T12:00Z", "03-29T01:00 03-29T01:30 03-30T00:00"],
    ["repeated halves", "0,30 2 * * *", BERLIN, "2026-10-24T12:00Z", "10-25T00:00 10-25T00:30 10-26T01:00"],
    ["half an hour is skipped", "15 2 * * *", LORD_HOWE, "2026-10-03T00:00Z", "10-03T15:45 10-04T15:15"],
    ["half an hour is repeated", "45 1 * * *", LORD_HOWE, "2026-04-04T00:00Z", "04-04T14:45 04-05T15:15"],
    ["real quarters", "*/15 * * * *", LORD_HOWE, "2026-04-04T14:40Z", "04-04T14:45 04-04T15:00 04-04T15:15"],
    ["midnight is skipped", "0 0 * * *", "America/Havana", "2026-03-07T12:00Z", "03-08T05:00 03-09T04:00"],
    ["a day is skipped", "0 12 * * *", "Pacific/Apia", "2011-12-29T00:00Z", "12-29T22:00 12-30T22:00"],
  ])("%s: %s in %s", (_what, cron, timezone, after, expected) => {
    expect(ticks(cron, timezone, after, expected.split(" ").length).join(" ")).toBe(expected);
  });

  test.each([
    [NEW_YORK, "2026-03-08T00:00-05:00"],
    [NEW_YORK, "2026-11-01T00:00-04:00"],
    [BERLIN, "2026-03-29T00:00+01:00"],
    [BERLIN, "2026-10-25T00:00+02:00"],
    ["Asia/Kolkata", "2026-10-25T00:00+05:30"],
  ])("every minute of two days is due once in %s", (timezone, from) => {
    const start = new Date(from).getTime();
    const found = ticksAfter({ cron: "*/10 * * * *", timezone }, new Date(start)).take(288).toArray();
    expect(found.map((tick) => tick.getTime())).toEqual(found.map((_, at) => start + (at + 1) * 600_000));
  });

  test("the latest tick is found by going forward", () => {
    const daily = { cron: "30 2 * * *", timezone: NEW_YORK };
    const latest = (until: string, after = "2026-01-01T00:00Z") =>
      latestTick(daily, new Date(after), new Date(until))?.toISOString() ?? null;
    expect(latest("2026-03-08T07:30Z")).toBe("2026-03-08T07:30:00.000Z");
    expect(latest("2026-03-08T07:29Z")).toBe("2026-03-07T07:30:00.000Z");
    expect(latest("2026-03-08T07:30Z", "2026-03-08T07:30Z")).toBeNull();
    const leap = { cron: "0 0 29 2 *", timezone: "UTC" };
    expect(latestTick(leap, new Date(0), new Date("2026-11-26T00:00Z"))).toEqual(
      new Date("2024-02-29T00:00Z"),
    );
  });
});

describe("expressions", () => {
  test.each([
    ["0 0 31 * *", "12-31T00:00 01-31T00:00 03-31T00:00"],
    ["0 0 29 2 *", "02-29T00:00 02-29T00:00"],
    ["0 0 1 * 1", "11-30T00:00 12-01T00:00 12-07T00:00"],
    ["0 0 * * MON-FRI", "11-27T00:00 11-30T00:00"],
    ["0 0 * jan,Jul 7", "01-03T00:00 01-10T00:00"],
    ["5,5,*/30 * * * *", "11-26T12:05 11-26T12:30"],
    [" @Daily ", "11-27T00:00 11-28T00:00"],
    ["@weekly", "11-29T00:00 12-06T00:00"],
    ["@yearly", "01-01T00:00 01-01T00:00"],
  ])("%s is due at %s", (cron, expected) => {
    expect(ticks(cron, "UTC", "2026-11-26T12:00Z", expected.split(" ").length).join(" ")).toBe(expected);
  });

  test("a day that no month has is never due", () => {
    expect(nextTick({ cron: "0 0 30 2 *", timezone: BERLIN }, new Date())).toBeNull();
  });

  test.each([
    ["60 * * * *", "has the minute `60`"],
    ["0 24 * * *", "has the hour `24`"],
    ["0 0 0 * *", "has the day of the month `0`"],
    ["0 0 * 13 *", "has the month `13`"],
    ["0 0 * * 8", "has the day of the week `8`"],
    ["0 0 * * FRI-MON", "has the day of the week `FRI-MON`"],
    ["5/15 * * * *", "has the minute `5/15`"],
    ["*/0 * * * *", "has the minute `*/0`"],
    ["1,,2 * * * *", "has the minute `1,,2`"],
    ["0 0 L * *", "has the day of the month `L`"],
    ["0 0 ? * *", "has the day of the month `?`"],
    ["H H * * *", "has the minute `H`"],
    ["0 0 * * 1#2", "has the day of the week `1#2`"],
    ["* * * * * *", "has 6 fields and needs 5"],
    ["0 0 *", "has 3 fields and needs 5"],
    ["", "has 0 fields and needs 5"],
    ["@reboot", "has the unknown word `@reboot`"],
    ["1,".repeat(60), "The limit is 100"],
  ])("%s is refused: it %s", (cron, message) => {
    expect(() => parseCron(cron)).toThrow(CronError);
    expect(() => parseCron(cron)).toThrow(message);
  });
});

test.each([
  ["UTC", true],
  ["Europe/Kyiv", true],
  ["Etc/GMT+5", true],
  ["+02:00", false],
  ["Mars/Olympus", false],
  ["", false],
  ["a".repeat(100), false],
])("whether %s is a time zone: %s", (name, expected) => {
  expect(isTimeZone(name)).toBe(expected);
});
