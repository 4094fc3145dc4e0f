import { describe, expect, test } from "vitest";
import { RowmillError } from "../../../src/client/errors.ts";
import { batchFilterOf } from "../../../src/console/pages/admin/bulk/batch-filter.ts";
import { runBulk } from "../../../src/console/pages/admin/bulk/run-bulk.ts";
import { taskFilterOf } from "../../../src/console/pages/admin/bulk/task-filter.ts";
import { batchShape, taskShape } from "../../../src/console/pages/admin/shared/search-shapes.ts";

const conflict = () => new RowmillError("Now 3 match.", { status: 409, code: "conflict" });

/** A server with so many matches, which changes at most `perRequest` of them in one request. */
function serverOf(matches: number, perRequest: number) {
  const sent: (number | undefined)[] = [];
  const server = { matches, failsAgain: false };
  const send = async (expect?: number) => {
    sent.push(expect);
    if (expect === undefined) return { matched: server.matches, changed: 0 };
    if (expect !== server.matches) throw conflict();
    const changed = Math.min(perRequest, server.matches);
    if (!server.failsAgain) server.matches -= changed;
    return { matched: expect, changed };
  };
  return { server, send, sent };
}

const stopped = new AbortController();
const options = (send: (expect?: number) => Promise<{ matched: number; changed: number }>) => {
  const progress: number[] = [];
  const onProgress = (done: number) => void progress.push(done);
  // Waits until the request has ended.
  const pause = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  return { progress, bulk: { send, onProgress, pause, signal: stopped.signal } };
};

describe("actions on all that match", () => {
  test("requests are repeated until all are changed", async () => {
    const { send, sent } = serverOf(2500, 1000);
    const { bulk, progress } = options(send);
    expect(await runBulk(2500, bulk)).toEqual({ changed: 2500, left: 0, isStopped: false });
    expect(sent).toEqual([2500, undefined, 1500, undefined, 500]);
    expect(progress).toEqual([1000, 2000, 2500]);
  });

  test("things that match again are not changed for ever", async () => {
    const { server, send, sent } = serverOf(20, 10);
    server.failsAgain = true;
    expect(await runBulk(20, options(send).bulk)).toEqual({ changed: 20, left: 0, isStopped: false });
    expect(sent.filter((expect) => expect !== undefined)).toHaveLength(2);
  });

  test("more than the user has confirmed are left", async () => {
    const { server, send } = serverOf(2, 10);
    const { bulk } = options(send);
    server.matches = 3;
    expect(await runBulk(2, bulk)).toEqual({ changed: 0, left: 3, isStopped: false });
    expect(server.matches).toBe(3);
  });

  test("a number that has become smaller is counted again", async () => {
    const { server, send } = serverOf(5, 10);
    server.matches = 3;
    expect(await runBulk(5, options(send).bulk)).toEqual({ changed: 3, left: 0, isStopped: false });
  });

  test("nothing is changed after a stop", async () => {
    const { send, sent } = serverOf(30, 10);
    const stop = new AbortController();
    const { bulk } = options(send);
    const result = await runBulk(30, { ...bulk, signal: stop.signal, onProgress: () => stop.abort() });
    expect(result).toEqual({ changed: 10, left: 20, isStopped: true });
    expect(sent).toEqual([30, undefined]);
  });

  test("a run that changes nothing gives up", async () => {
    const { send } = serverOf(5, 0);
    expect(await runBulk(5, options(send).bulk)).toEqual({ changed: 0, left: 5, isStopped: false });
  });

  test("another failure ends the run", async () => {
    const send = async () => {
      throw new RowmillError("No.", { status: 403, code: "forbidden" });
    };
    await expect(runBulk(1, options(send).bulk)).rejects.toThrow("No.");
  });
});

describe("filters of lists and actions", () => {
  const values: Readonly<Record<string, unknown>> = {
    status: "failed",
    type: "generic",
    queue: "default",
    user: 7,
    q: "cat",
    tag: "may",
    group: "g",
    workflow: "w",
    from: "2026-11-01",
    to: "2026-11-02",
    ended_from: "2026-11-03",
    ended_to: "2026-11-04",
    state: "paused",
    target: "books",
  };
  const full = (shape: object) => Object.fromEntries(Object.keys(shape).map((name) => [name, values[name]]));

  test("every field of the address restricts tasks", () => {
    expect(taskFilterOf(full(taskShape))).toEqual({
      status: ["failed"],
      type: "generic",
      queue: "default",
      user_id: 7,
      search: "cat",
      tag: "may",
      group_id: "g",
      workflow_id: "w",
      from: "2026-11-01",
      to: "2026-11-02",
      ended_from: "2026-11-03",
      ended_to: "2026-11-04",
    });
    expect(taskFilterOf({})).toEqual({});
  });

  test("every field of the address restricts batches", () => {
    expect(batchFilterOf(full(batchShape))).toEqual({
      state: ["paused"],
      target: "books",
      q: "cat",
      user_id: 7,
      from: "2026-11-01",
      to: "2026-11-02",
    });
    expect(batchFilterOf({})).toEqual({});
  });
});
