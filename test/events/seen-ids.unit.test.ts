import { expect, test } from "vitest";
import { SeenIds } from "../../src/events/seen-ids.ts";

test("an id that was skipped is not seen, and a forgotten one stays seen", () => {
  const seen = new SeenIds();
  seen.add("1");
  seen.add("3");
  expect([seen.has("1"), seen.has("2"), seen.has("3")]).toEqual([true, false, true]);
  for (let id = 10; id < 20_010; id++) seen.add(String(id));
  expect([seen.has("1"), seen.has("3"), seen.has("10"), seen.has("20010")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
