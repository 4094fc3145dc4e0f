/** The side of the script in a thread: its data, and its messages to the parent. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import type { FromThread, Host, ThreadData, ToThread } from "./messages.ts";
import { movable } from "./messages.ts";

/** Progress is sent at most this often, so that a loop that reports every step is not slowed down. */
const PROGRESS_MS = 100;

export interface Inside<H extends Host> {
  /** Functions that the parent runs for the thread. If one fails, it never returns: the parent ends the thread. */
  readonly host: H;
  progress(percent: number, message?: string): void;
}

/** Runs the script of a thread and sends its result or its error to the parent. Call it once, at the end of the script. */
export function serveThread<H extends Host, D>(run: (data: D, inside: Inside<H>) => Promise<unknown>): void {
  const port = parentPort;
  if (!port) throw new Error("This script must run in a thread.");
  const send = (message: FromThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const waiting = new Map<number, (value: unknown) => void>();
  let calls = 0;
  let sentAt = 0;
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
    if (percent < 100 && performance.now() - sentAt < PROGRESS_MS) return;
    sentAt = performance.now();
    send({ kind: "progress", percent, message });
  };
  run(data as D, { host, progress }).then(
    (result) => send({ kind: "done", result }),
    (error: unknown) => send({ kind: "failed", failure: describe(error) }),
  );
}

/**
 * Returns V8's garbage collector. V8 collects unused buffers late, and the parent counts them as used memory, so it would
 * end a thread that allocates faster than V8 collects.
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
