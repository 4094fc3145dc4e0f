import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Durations, JobSet, MAX_SET } from "../../../src/platform/queue/job-set.ts";

const many = (kind: string | null, count = 60) => Array.from({ length: count }, () => kind);

describe("the number of jobs that run as a set", () => {
  test("jobs of an unknown kind, and jobs that must be alone, run alone", () => {
    const durations = new Durations();
    expect(durations.countTogether(many("new"))).toBe(1);
    expect(durations.countTogether(many(null))).toBe(1);
    expect(durations.sizeOf("new")).toBe(1);
  });

  test("short jobs make full sets, longer ones smaller sets, and long ones none", () => {
    const durations = new Durations();
    durations.note("short", 0.1);
    durations.note("longer", 10);
    durations.note("long", 3000);
    expect(["short", "longer", "long"].map((kind) => durations.sizeOf(kind))).toEqual([MAX_SET, 5, 1]);
    expect(durations.countTogether(many("short"))).toBe(MAX_SET);
    expect(durations.countTogether(["short", "short", "long", "short"])).toBe(2);
    expect(durations.countTogether(["long", "short"])).toBe(1);
    expect(durations.countTogether(["short", null, "short"])).toBe(1);
  });

  test("one long job makes its kind long until many short ones have run", () => {
    const durations = new Durations();
    durations.note("mixed", 0);
    durations.note("mixed", 60_000);
    for (let i = 0; i < 7; i++) durations.note("mixed", 0);
    expect(durations.sizeOf("mixed")).toBeLessThan(3);
    for (let i = 0; i < 40; i++) durations.note("mixed", 0);
    expect(durations.sizeOf("mixed")).toBe(MAX_SET);
  });
});

describe("the turns of a set", () => {
  const never = () => false;

  test("the jobs run one after the other, in the order of their arrival", async () => {
    const set = new JobSet(3, new Durations());
    const events: string[] = [];
    const job = (name: string, ms: number) =>
      set.inTurn(
        "kind",
        async () => {
          events.push(`${name} begins`);
          await sleep(ms);
          events.push(`${name} ends`);
          return name;
        },
        never,
      );
    const results = await Promise.all([job("a", 10), job("b", 0), job("c", 5)]);
    expect(results).toEqual([{ result: "a" }, { result: "b" }, { result: "c" }]);
    expect(events).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  test("jobs that wait behind a long one go back, and the long one ends", async () => {
    const set = new JobSet(3, new Durations());
    const gate = Promise.withResolvers<string>();
    const long = set.inTurn("kind", () => gate.promise, never);
    const others = await Promise.all([1, 2].map(() => set.inTurn("kind", async () => "ran", never)));
    expect(others).toEqual([null, null]);
    gate.resolve("done");
    expect(await long).toEqual({ result: "done" });
  });

  test("the next job has its turn also if the one before throws, and a result that is long sends the others back", async () => {
    const durations = new Durations();
    const set = new JobSet(4, durations);
    const results = await Promise.allSettled([
      set.inTurn("kind", () => Promise.reject(new Error("bad")), never),
      set.inTurn("kind", async () => "good", never),
      set.inTurn(
        "kind",
        async () => "waits",
        (result) => result === "waits",
      ),
      set.inTurn("kind", async () => "late", never),
    ]);
    expect(results).toMatchObject([
      { status: "rejected" },
      { value: { result: "good" } },
      { value: { result: "waits" } },
      { value: null },
    ]);
    expect(durations.sizeOf("kind")).toBe(1);
  });
});
