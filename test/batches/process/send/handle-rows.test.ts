import { setTimeout as sleep } from "node:timers/promises";
import Type from "typebox";
import { describe, expect, test } from "vitest";
import { rowIdOf } from "../../../../src/batches/ids.ts";
import { processRows } from "../../../../src/batches/process/process-rows.ts";
import { inTransaction } from "../../../../src/context.ts";
import { MustWait, Permanent, Retryable } from "../../../../src/errors.ts";
import type { Attempt, RowTarget } from "../../../../src/targets/target.ts";
import { useRowmill } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill();

const columns = Type.Object({ name: Type.String({ minLength: 1 }) });
const BATCH = "01a20159-f320-7af5-a6be-a1fe00000000";

type Handle = (name: string, attempt: Attempt) => Promise<number>;

const targetOf = (
  handle: Handle,
  more: Partial<RowTarget<typeof columns>> = {},
): RowTarget<typeof columns> => ({
  name: "calls",
  description: "Only to hand rows to.",
  columns,
  aliases: {},
  concurrency: 3,
  handle: (_ctx, _batch, { values }, attempt) => handle(values.name, attempt),
  ...more,
});

interface Options {
  readonly attempt?: number;
  readonly signal?: AbortSignal;
  readonly until?: number;
  readonly isDryRun?: boolean;
  readonly rowTimeoutSeconds?: number;
}

/** Row numbers begin at 2. */
function run(
  target: RowTarget<typeof columns>,
  cells: readonly string[][],
  {
    attempt = 1,
    signal = new AbortController().signal,
    isDryRun = false,
    rowTimeoutSeconds = 60,
    ...more
  }: Options = {},
) {
  const batch = { id: BATCH, userId: 1, mode: "insert", header: ["name"], mapping: { name: 0 } } as const;
  const rows = cells.map((fields, index) => ({ row: index + 2, fields, problem: null }));
  const ctx = { ...rowmill.ctx, config: { ...rowmill.ctx.config, rowTimeoutSeconds } };
  return inTransaction(ctx, (tx) =>
    processRows(ctx, tx, { batch, target, isDryRun }, rows, { attempt, signal, ...more }),
  );
}

test("each valid row is handled once with its identity", async () => {
  const seen: [string, Attempt][] = [];
  const target = targetOf(async (name, attempt) => {
    seen.push([name, attempt]);
    return name.length;
  });
  const signal = expect.any(AbortSignal);
  const outcomes = await run(target, [["a"], [""], ["ccc"]], { attempt: 2 });
  expect(seen).toEqual([
    ["a", { rowId: rowIdOf(BATCH, 2), attempt: 2, signal }],
    ["ccc", { rowId: rowIdOf(BATCH, 4), attempt: 2, signal }],
  ]);
  expect(outcomes).toEqual([
    {
      row: 3,
      outcome: {
        kind: "failed",
        errors: [{ column: "name", code: "required", message: "name is required" }],
      },
    },
    { row: 2, outcome: { kind: "success", recordId: 1, effect: "created" } },
    { row: 4, outcome: { kind: "success", recordId: 3, effect: "created" } },
  ]);
});

test("a target handles at most its own number of rows at a time", async () => {
  let [running, most] = [0, 0];
  const waiting: (() => void)[] = [];
  const target = targetOf(async () => {
    most = Math.max(most, ++running);
    // No row continues before three are running, or the last ones are.
    if (running < 3) await new Promise<void>((done) => waiting.push(done));
    for (const done of waiting.splice(0)) done();
    running--;
    return 1;
  });
  const outcomes = await run(
    target,
    Array.from({ length: 9 }, (_, index) => [`row ${index}`]),
  );
  expect(outcomes).toHaveLength(9);
  expect(most).toBe(3);
});

describe("errors thrown for a row", () => {
  const cases: Record<string, () => unknown> = {
    later: () => new Retryable("service_busy", "the service is busy", { afterSeconds: 30 }),
    soon: () => new Retryable("service_busy", "the service is busy"),
    down: () => new MustWait("service_down", "the service is down", { afterSeconds: 60 }),
    never: () => new Permanent("no_such_city", "There is no such city.", { column: "name" }),
    odd: () => new TypeError("x is not a function"),
    text: () => "only text",
  };

  test("a thrown error affects only its own row", async () => {
    const target = targetOf(async (name) => {
      const thrown = cases[name]?.();
      if (thrown) throw thrown;
      return 7;
    });
    const outcomes = await run(
      target,
      [...Object.keys(cases), "fine"].map((name) => [name]),
    );
    const retry = (message: string, code = "target_error") => ({
      kind: "retry",
      reason: { column: null, code, message },
    });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      { ...retry("the service is busy", "service_busy"), afterSeconds: 30 },
      retry("the service is busy", "service_busy"),
      {
        kind: "wait",
        reason: { column: null, code: "service_down", message: "the service is down" },
        afterSeconds: 60,
        isForAll: false,
      },
      {
        kind: "failed",
        errors: [{ column: "name", code: "no_such_city", message: "There is no such city." }],
      },
      retry("x is not a function"),
      retry("only text"),
      { kind: "success", recordId: 7, effect: "created" },
    ]);
  });
});

test("no row starts after one that must wait together with all others", async () => {
  const names: string[] = [];
  const target = targetOf(
    async (name) => {
      names.push(name);
      throw new MustWait("service_down", "the service is down", { afterSeconds: 60, isForAll: true });
    },
    { concurrency: 1 },
  );
  const outcomes = await run(target, [["a"], ["b"], ["c"]]);
  expect(names).toEqual(["a"]);
  expect(outcomes).toMatchObject([{ row: 2, outcome: { kind: "wait", isForAll: true } }]);
});

test("after the abort signal no row starts, and interrupted rows have no outcome", async () => {
  const stop = new AbortController();
  const started: string[] = [];
  const target = targetOf(
    async (name, { signal }) => {
      started.push(name);
      if (name === "3") stop.abort();
      if (name === "2") await sleep(60_000, undefined, { signal });
      return Number(name);
    },
    { concurrency: 2 },
  );
  const outcomes = await run(target, [["1"], ["2"], ["3"], ["4"], ["5"]], { signal: stop.signal });
  expect(started).toEqual(["1", "2", "3"]);
  expect(outcomes.map(({ row }) => row)).toEqual([2, 4]);
});

test("a row that takes too long is retried, even if the target ignores the signal", async () => {
  const aborted: unknown[] = [];
  const target = targetOf(async (name, { signal }) => {
    if (name !== "hangs") return 1;
    signal.addEventListener("abort", () => aborted.push(signal.reason));
    return new Promise<number>(() => {});
  });
  const outcomes = await run(target, [["fine"], ["hangs"], ["fine"]], { rowTimeoutSeconds: 0.05 });
  expect(outcomes.map(({ row, outcome }) => [row, outcome.kind])).toEqual([
    [2, "success"],
    [3, "retry"],
    [4, "success"],
  ]);
  expect(outcomes[1]?.outcome).toMatchObject({ reason: { code: "row_timed_out" } });
  expect(aborted).toHaveLength(1);
});

test("no row starts after the turn of the chunk is over, except the first one", async () => {
  const target = targetOf(
    async () => {
      await sleep(60);
      return 1;
    },
    { concurrency: 1 },
  );
  const cells = [["1"], ["2"], ["3"]];
  const until = performance.now() - 1;
  expect((await run(target, cells, { until })).map(({ row }) => row)).toEqual([2]);
  expect(await run(target, cells, { until: performance.now() + 60_000 })).toHaveLength(3);
});

test("a row with extra fields fails only in a strict target", async () => {
  const lenient = await run(
    targetOf(async () => 1),
    [["a", "b"]],
  );
  expect(lenient[0]?.outcome.kind).toBe("success");
  const strict = await run(
    targetOf(async () => 1, { isStrict: true }),
    [["a", "b"], ["c"]],
  );
  expect(strict.map(({ row, outcome }) => [row, outcome.kind])).toEqual([
    [2, "failed"],
    [3, "success"],
  ]);
});

test("a dry run handles no row", async () => {
  const target = targetOf(() => Promise.reject(new Error("it was called")));
  const outcomes = await run(target, [["a"], [""]], { isDryRun: true });
  expect(outcomes.map(({ row, outcome }) => [row, outcome.kind])).toEqual([
    [3, "failed"],
    [2, "success"],
  ]);
});
