/** A thread as the script in it sees it: what it was given, and how it reaches its parent. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import type { FromThread, Host, ThreadData, ToThread } from "./messages.ts";
import { movable } from "./messages.ts";

/** More often nobody could read it, and a loop that tells of each step would only tell. */
const PROGRESS_MS = 100;

export interface Inside<H extends Host> {
  /** What the parent does for the thread. A call that fails never returns: the parent ends the thread. */
  readonly host: H;
  progress(percent: number, message?: string): void;
}

/** Runs the script of a thread and hands its result, or what it threw, to the parent. Call it once, last of all. */
export function serveThread<H extends Host, D>(run: (data: D, inside: Inside<H>) => Promise<unknown>): void {
  const port = parentPort;
  if (!port) throw new Error("this script runs in a thread only");
  const send = (message: FromThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const waiting = new Map<number, (value: unknown) => void>();
  let calls = 0;
  let toldAt = 0;
  port.on("message", ({ id, value }: ToThread) => {
    waiting.get(id)?.(value);
    waiting.delete(id);
  });
  const { data, collectAboveBytes } = workerData as ThreadData;
  const collect = collector();
  const call = (name: string, args: readonly unknown[]) =>
    new Promise((resolve) => {
      if (getHeapStatistics().external_memory > collectAboveBytes) collect();
      const id = ++calls;
      waiting.set(id, resolve);
      send({ kind: "call", id, name, args }, args.flatMap(movable));
    });
  const host = new Proxy({} as H, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        call(String(name), args),
  });
  const progress = (percent: number, message?: string) => {
    if (percent < 100 && performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    send({ kind: "progress", percent, message });
  };
  run(data as D, { host, progress }).then(
    (result) => send({ kind: "done", result }),
    (error: unknown) => send({ kind: "failed", failure: describe(error) }),
  );
}

/**
 * V8 is in no hurry to collect buffers that nobody holds, and the parent can't tell them from those that are held: it
 * would end a thread that copies faster than is collected.
 */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

function describe(error: unknown) {
  if (!(error instanceof Error)) {
    return { name: "Error", code: undefined, message: String(error), stack: undefined };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { name: error.name, code, message: error.message, stack: error.stack };
}
