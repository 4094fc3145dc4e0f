import { expect, test } from "vitest";
import { KeyedLimit } from "../../../src/platform/process/keyed-limit.ts";

const refusal = () => new Error("too many");

test("a key runs and queues only so many functions, and other keys are not affected", async () => {
  const limit = new KeyedLimit(2, 3);
  const gate = Promise.withResolvers<string>();
  let running = 0;
  const start = (key: string) =>
    limit.run(key, refusal, () => {
      running++;
      return gate.promise;
    });
  const accepted = [1, 2, 3, 4, 5].map(() => start("a"));
  await expect(start("a")).rejects.toThrow("too many");
  const other = start("b");
  await Promise.resolve();
  expect(running).toBe(3);
  gate.resolve("done");
  expect(await Promise.all([...accepted, other])).toEqual(Array(6).fill("done"));
  expect(await start("a")).toBe("done");
});

test("a function that fails gives its place back", async () => {
  const limit = new KeyedLimit(1, 1);
  for (let i = 0; i < 3; i++)
    await expect(limit.run("a", refusal, () => Promise.reject(new Error("failed")))).rejects.toThrow(
      "failed",
    );
  expect(await limit.run("a", refusal, async () => 1)).toBe(1);
});
