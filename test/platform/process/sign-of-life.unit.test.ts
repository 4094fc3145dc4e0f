import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { signOfLife } from "../../../src/platform/process/sign-of-life.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ignore = () => {};

test("signs of life are sent at the interval until the timer is disposed of", async () => {
  const show = vi.fn(async () => {});
  {
    using _signs = signOfLife(1000).start(show, ignore);
    await vi.advanceTimersByTimeAsync(3500);
  }
  await vi.advanceTimersByTimeAsync(5000);
  expect(show).toHaveBeenCalledTimes(3);
});

test("a slow sign of life delays the next one, and can be awaited", async () => {
  const pending = Promise.withResolvers<void>();
  const show = vi.fn(() => pending.promise);
  const signs = signOfLife(1000).start(show, ignore);
  await vi.advanceTimersByTimeAsync(3500);
  signs[Symbol.dispose]();
  const settled = vi.fn();
  const waiting = signs.settled().then(settled);
  await vi.advanceTimersByTimeAsync(0);
  expect(show).toHaveBeenCalledTimes(1);
  expect(settled).not.toHaveBeenCalled();
  pending.resolve();
  await waiting;
});

test("an error of a sign of life is reported, and the next one is sent", async () => {
  const lost = new Error("The database is away.");
  const show = vi.fn().mockRejectedValueOnce(lost).mockResolvedValue(undefined);
  const onError = vi.fn();
  using _signs = signOfLife(1000).start(show, onError);
  await vi.advanceTimersByTimeAsync(2500);
  expect(onError.mock.calls).toEqual([[lost]]);
  expect(show).toHaveBeenCalledTimes(2);
});

test("a process counts as dead after six missed signs of life", () => {
  const life = signOfLife(20_000);
  expect(life.deadAfterMs).toBe(120_000);
  expect(life.deadBefore(new Date("2026-01-01T00:02:00Z"))).toEqual(new Date("2026-01-01T00:00:00Z"));
});
