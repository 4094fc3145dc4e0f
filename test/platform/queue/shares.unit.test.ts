import { expect, test } from "vitest";
import { Shares } from "../../../src/platform/queue/shares.ts";

interface Waiting {
  readonly user: string;
  readonly jobs: number;
}

/**
 * Users with jobs that take one turn each, in the order in which they were enqueued.
 * @returns who is served in each turn
 */
function turnsOf(
  waiting: readonly Waiting[],
  turns: number,
  limits = { places: 5, reserved: 1, perUser: 4 },
) {
  const shares = new Shares(limits);
  const queue = waiting.flatMap(({ user, jobs }) => Array.from({ length: jobs }, () => user));
  let running: string[] = [];
  const served: string[][] = [];
  for (let turn = 0; turn < turns; turn++) {
    for (const user of running) shares.end(user);
    running = [];
    shares.mayHaveNew();
    for (let user = takeNext(shares, queue); user !== null; user = takeNext(shares, queue))
      running.push(user);
    served.push(running);
  }
  return served;
}

function takeNext(shares: Shares, queue: string[]): string | null {
  for (const search of shares.searches(0)) {
    const at = queue.findIndex((user) => !search.ignored.includes(user));
    const [user] = at === -1 ? [] : queue.splice(at, 1);
    if (user !== undefined) {
      shares.start(user);
      return user;
    }
    shares.foundNothing(search, 0, 0);
  }
  return null;
}

test("a user who is alone has all places but the reserved one", () => {
  expect(turnsOf([{ user: "a", jobs: 100 }], 2)).toEqual([
    ["a", "a", "a", "a"],
    ["a", "a", "a", "a"],
  ]);
});

test("two users share the places", () => {
  const [first = []] = turnsOf(
    [
      { user: "a", jobs: 100 },
      { user: "b", jobs: 100 },
    ],
    1,
  );
  expect(first.toSorted()).toEqual(["a", "a", "b", "b"]);
});

test.each([3, 10, 40])("after %i users with much work, a new user is served within one round", (count) => {
  const heavy = Array.from({ length: count }, (_, index) => ({ user: `heavy ${index}`, jobs: 100 }));
  const served = turnsOf([...heavy, { user: "new", jobs: 1 }], count + 1);
  expect(served.findIndex((users) => users.includes("new"))).toBeLessThanOrEqual(Math.ceil(count / 4));
});

test("every one of ten users is served equally often", () => {
  const heavy = Array.from({ length: 10 }, (_, index) => ({ user: `user ${index}`, jobs: 100 }));
  const served = turnsOf(heavy, 20).flat();
  const counts = heavy.map(({ user }) => served.filter((one) => one === user).length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
});

test("a resting job holds no place, but counts for its user", () => {
  const shares = new Shares({ places: 5, reserved: 1, perUser: 2 });
  shares.rest("a");
  shares.rest("a");
  expect(shares.hasFreePlace).toBe(true);
  expect(shares.searches(0).every(({ ignored }) => ignored.includes("a"))).toBe(true);
  shares.endRest("a");
  expect(shares.searches(0).some(({ ignored }) => !ignored.includes("a"))).toBe(true);
});

test("a user whose jobs of a set have ended does not count for its place any more", () => {
  const shares = new Shares({ places: 2, reserved: 1, perUser: 1 });
  shares.start("a", "b", "b");
  expect(shares.searches(0).every(({ ignored }) => ignored.includes("b"))).toBe(true);
  shares.leave("b");
  expect(shares.searches(0).every(({ ignored }) => ignored.includes("a"))).toBe(true);
  expect(shares.searches(0).some(({ ignored }) => !ignored.includes("b"))).toBe(true);
  shares.end("a");
  expect(shares.searches(0).some(({ ignored }) => !ignored.includes("a"))).toBe(true);
});

test("a search without a result is not repeated at once, unless there may be new jobs", () => {
  const shares = new Shares({ places: 5, reserved: 1, perUser: 4 });
  const [search = { ignored: [], key: "" }] = shares.searches(0);
  shares.foundNothing(search, 0, 50);
  expect(shares.searches(999)).toEqual([]);
  expect(shares.searches(1001)).toEqual([search]);
  shares.foundNothing(search, 1001, 50);
  shares.mayHaveNew();
  expect(shares.searches(1002)).toEqual([search]);
});
