import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { EndedRequest } from "../../src/platform/http/ended-requests.ts";
import type { Log } from "../../src/platform/log.ts";
import { TransientError } from "../../src/platform/postgres/database.ts";
import { LogBuffer } from "../../src/request-log/log-buffer.ts";
import { entryAt } from "../support/logged-requests.ts";

const MAX_ENTRIES = 10_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A buffer over a database that can be away, and all that it has written and logged. */
function openBuffer() {
  const written: EndedRequest[] = [];
  const batches: number[] = [];
  const dropped: number[] = [];
  const warnings: unknown[] = [];
  const errors: string[] = [];
  const log = {
    debug() {},
    warn: (fields: unknown) => warnings.push(fields),
    error: (_: unknown, text: string) => errors.push(text),
  } as unknown as Log;
  const database: { error: Error | null; gate: Promise<void> | null } = { error: null, gate: null };
  const write = async (entries: readonly EndedRequest[], missing: number) => {
    await database.gate;
    if (database.error) throw database.error;
    written.push(...entries);
    batches.push(entries.length);
    if (missing > 0) dropped.push(missing);
  };
  const buffer = new LogBuffer(write, log);
  const add = (count: number, own: Partial<EndedRequest> = {}) => {
    for (let index = 0; index < count; index++) buffer.add(entryAt(new Date(), own));
  };
  return { buffer, add, database, written, batches, dropped, warnings, errors };
}

const away = new TransientError("the database is away");

test("entries are written together after a second", async () => {
  const { add, batches } = openBuffer();
  add(3);
  await vi.advanceTimersByTimeAsync(900);
  expect(batches).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(batches).toEqual([3]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(batches).toEqual([3]);
});

test("a thousand entries do not wait for the second, and a batch has no more than a thousand", async () => {
  const { add, batches } = openBuffer();
  add(2500);
  await vi.advanceTimersByTimeAsync(10);
  expect(batches).toEqual([1000, 1000]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(batches).toEqual([1000, 1000, 500]);
});

test("two writes never run at the same time", async () => {
  const { add, database, batches } = openBuffer();
  const { promise, resolve } = Promise.withResolvers<void>();
  database.gate = promise;
  add(1500);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(batches).toEqual([]);
  resolve();
  await vi.advanceTimersByTimeAsync(1000);
  expect(batches).toEqual([1000, 500]);
});

describe("while the database is away", () => {
  test("entries wait in order, within the bound; the others are counted, with one warning per minute", async () => {
    const { add, database, written, dropped, warnings } = openBuffer();
    database.error = away;
    add(1, { requestId: "first" });
    await vi.advanceTimersByTimeAsync(3000);
    add(MAX_ENTRIES + 6);
    await vi.advanceTimersByTimeAsync(30_000);
    add(5);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(warnings).toEqual([{ requests: 7 }]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(warnings).toEqual([{ requests: 7 }, { requests: 5 }]);
    expect(written).toEqual([]);
    database.error = null;
    await vi.advanceTimersByTimeAsync(1000);
    expect(written).toHaveLength(MAX_ENTRIES);
    expect(written[0]?.requestId).toBe("first");
    expect(dropped).toEqual([12]);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(warnings).toHaveLength(2);
    add(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(written).toHaveLength(MAX_ENTRIES + 1);
  });

  test("long request ids exhaust the bound in bytes before the bound in entries", async () => {
    const { add, database, written } = openBuffer();
    database.error = away;
    add(MAX_ENTRIES, { requestId: "x".repeat(2000) });
    database.error = null;
    await vi.advanceTimersByTimeAsync(2000);
    expect(written.length).toBeGreaterThan(1500);
    expect(written.length).toBeLessThan(2000);
  });

  test("only the timer tries again while the database is away", async () => {
    const { add, database, batches } = openBuffer();
    database.error = away;
    add(1);
    await vi.advanceTimersByTimeAsync(1000);
    database.error = null;
    add(1200);
    await vi.advanceTimersByTimeAsync(500);
    expect(batches).toEqual([]);
    await vi.advanceTimersByTimeAsync(1600);
    expect(batches).toEqual([1000, 201]);
  });
});

test("entries that the database refuses are dropped, counted and reported, and later ones are written", async () => {
  const { add, database, written, dropped, warnings, errors } = openBuffer();
  database.error = new Error('permission denied for table "request_log"');
  add(4);
  await vi.advanceTimersByTimeAsync(1000);
  expect(errors).toHaveLength(1);
  expect(warnings).toEqual([{ requests: 4 }]);
  database.error = null;
  add(2);
  await vi.advanceTimersByTimeAsync(1000);
  expect(written).toHaveLength(2);
  expect(dropped).toEqual([4]);
});

describe("at the end", () => {
  test("close writes what is left, also what arrives during a write", async () => {
    const { buffer, add, database, written } = openBuffer();
    const { promise, resolve } = Promise.withResolvers<void>();
    database.gate = promise;
    add(1000);
    const closing = buffer.close();
    add(3);
    resolve();
    await closing;
    expect(written).toHaveLength(1003);
    await vi.advanceTimersByTimeAsync(5000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("close gives up after two seconds, and says how many requests it could not log", async () => {
    const { buffer, add, database, warnings } = openBuffer();
    database.gate = new Promise(() => {});
    add(8);
    const closing = buffer.close();
    await vi.advanceTimersByTimeAsync(2000);
    await closing;
    expect(warnings).toEqual([{ requests: 8 }]);
  });

  test("close of an unused buffer writes nothing", async () => {
    const { buffer, batches } = openBuffer();
    await buffer.close();
    expect(batches).toEqual([]);
  });
});
