import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { FairSlots, NoSlot } from "../../src/platform/fair-slots.ts";

const RULES = { total: 2, perUser: 1, waiting: 2, waitMs: 60_000 };
const never = () => new AbortController().signal;

/** Takes slots and records the order in which they are given. */
function recording(slots: FairSlots) {
  const given: string[] = [];
  const open = new Map<string, Disposable>();
  const take = async (user: string, label = user) => {
    const slot = await slots.take(user, never);
    given.push(label);
    open.set(label, slot);
  };
  const end = async (label: string) => {
    open.get(label)?.[Symbol.dispose]();
    await setImmediate();
  };
  return { given, take, end };
}

test("a user has only the slots of one user, and another user gets one at once", async () => {
  const { given, take } = recording(new FairSlots(RULES));
  await take("a", "a1");
  void take("a", "a2");
  await take("b", "b1");
  expect(given).toEqual(["a1", "b1"]);
});

test("waiting users take turns, however many requests one of them has", async () => {
  const { given, take, end } = recording(new FairSlots({ ...RULES, total: 1, waiting: 10 }));
  await take("a", "a1");
  for (const label of ["a2", "a3", "a4"]) void take("a", label);
  for (const label of ["b1", "b2"]) void take("b", label);
  void take("c", "c1");
  for (const label of ["a1", "b1", "c1", "a2", "b2", "a3"]) await end(label);
  expect(given).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
});

test("a request is refused if too many of its user wait, and others can still wait", async () => {
  const { take } = recording(new FairSlots({ ...RULES, total: 1 }));
  await take("a", "a1");
  void take("a", "a2");
  void take("a", "a3");
  await expect(take("a", "a4")).rejects.toThrow(NoSlot);
  const other = take("b", "b1");
  expect(await Promise.race([other.then(() => "given"), setImmediate("waits")])).toBe("waits");
});

test("a request is refused after it has waited too long, and its place is free", async () => {
  const slots = new FairSlots({ ...RULES, total: 1, waiting: 1, waitMs: 10 });
  using _held = await slots.take("a", never);
  await expect(slots.take("a", never)).rejects.toThrow(NoSlot);
  await expect(slots.take("a", never)).rejects.toThrow(NoSlot);
});

test("a request that is cancelled while it waits takes no slot", async () => {
  const slots = new FairSlots({ ...RULES, total: 1, waiting: 1 });
  const first = await slots.take("a", never);
  const gone = new AbortController();
  const second = slots.take("a", () => gone.signal);
  gone.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  first[Symbol.dispose]();
  using _third = await slots.take("b", never);
});

test("a request that was cancelled before it waits takes no slot", async () => {
  const slots = new FairSlots({ ...RULES, total: 1 });
  using _held = await slots.take("a", never);
  await expect(slots.take("b", () => AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  expect(slots.isWanted).toBe(false);
});
