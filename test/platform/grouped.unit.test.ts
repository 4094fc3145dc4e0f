import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Grouped } from "../../src/platform/grouped.ts";

class Down extends Error {}

/** Doubles numbers. A negative number fails its statement; 0 fails as if the database were away. */
function doubling(limits: ConstructorParameters<typeof Grouped<number, number>>[2] = { maxItems: 50 }) {
  const statements: number[][] = [];
  const run = async (items: readonly number[]) => {
    statements.push([...items]);
    if (items.includes(0)) throw new Down("away");
    const bad = items.find((item) => item < 0);
    if (bad !== undefined) throw new Error(`${bad} is bad`);
    return items.map((item) => 2 * item);
  };
  return { statements, group: new Grouped(run, (error) => error instanceof Down, limits) };
}

test("calls of one turn of the event loop share a statement, and each gets its own result", async () => {
  const { statements, group } = doubling();
  expect(await Promise.all([1, 2, 3].map((item) => group.add(item)))).toEqual([2, 4, 6]);
  expect(statements).toEqual([[1, 2, 3]]);
});

test("a bad item fails alone, and all others have their results", async () => {
  const { group } = doubling();
  const results = await Promise.allSettled([1, 2, -3, 4, 5, 6, -7].map((item) => group.add(item)));
  expect(results.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason)))).toEqual([
    2,
    4,
    "Error: -3 is bad",
    8,
    10,
    12,
    "Error: -7 is bad",
  ]);
});

test("an error that concerns no item fails all of its statement without other tries", async () => {
  const { statements, group } = doubling();
  const results = await Promise.allSettled([1, 0, 3].map((item) => group.add(item)));
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(statements).toHaveLength(1);
  expect(await group.add(4)).toBe(8);
});

test("a statement has at most so many items and bytes, and a larger item has its own", async () => {
  const { statements, group } = doubling({ maxItems: 3, maxBytes: 10, bytesOf: (item) => item });
  await Promise.all([1, 1, 1, 1, 8, 4, 50, 2].map((item) => group.add(item)));
  expect(statements).toEqual([[1, 1, 1], [1, 8], [4], [50], [2]]);
});

test("a statement that hangs does not hold back later calls", async () => {
  const hanging = Promise.withResolvers<void>();
  const run = async (items: readonly string[]) => {
    if (items.includes("hangs")) await hanging.promise;
    return items;
  };
  const group = new Grouped(run, () => false, { maxItems: 50 });
  const first = group.add("hangs");
  await sleep(10);
  expect(await group.add("next")).toBe("next");
  hanging.resolve();
  expect(await first).toBe("hangs");
});
