/** Work on what strangers send, in a thread of its own: it can't block the process, nor take more memory than it is given. */
import type { HeapInfo } from "node:v8";
import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import type { Failure, FromThread, Host, ThreadData, ToThread } from "./messages.ts";
import { movable } from "./messages.ts";

export interface ThreadLimits {
  /** Of JavaScript's objects and strings. */
  readonly heapMb: number;
  /** Of bytes outside of that heap, which V8 does not limit: buffers, and what unpacks into them. */
  readonly bytesMb: number;
  /** From the thread's start. */
  readonly seconds: number;
  /** Without a word from it, though it waits for nothing: it is caught in a loop. */
  readonly silentSeconds: number;
}

export interface ThreadOptions {
  /** A script that calls serveThread. */
  readonly script: URL;
  /** What it is given; copied. */
  readonly data: unknown;
  /** What it may ask for. Where one of these throws, the thread ends and runThread throws the same. */
  readonly host: Host;
  /** Ends the thread at once, wherever it is; `reason` is thrown. */
  readonly signal: AbortSignal;
  readonly limits: ThreadLimits;
  readonly onProgress?: (percent: number, message?: string) => void;
}

/** The thread was ended, or ended itself, before it had a result. */
export class ThreadEnded extends Error {
  override name = "ThreadEnded";
  readonly why: "out_of_memory" | "out_of_time" | "crashed";

  constructor(why: ThreadEnded["why"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** What a script threw. */
export class ThrownInThread extends Error {
  override name = "ThrownInThread";
  /** The name of the error's class. */
  readonly thrown: string;
  readonly code: string | undefined;

  constructor({ name, code, message, stack }: Failure) {
    super(message);
    this.thrown = name;
    this.code = code;
    if (stack) this.stack = stack;
  }
}

/** At a time in a process; the others wait their turn. More would only take turns on few cores, each with its memory. */
export const MAX_THREADS = 2;
/** How often its memory is measured. What it takes in between comes on top: some 30 MB where it unpacks zeros. */
const MEASURE_MS = 25;
const MB = 1e6;

const withSlot = pLimit(MAX_THREADS);

/**
 * Runs a script in a thread and returns what it returned.
 * @throws ThreadEnded, ThrownInThread, what the signal was aborted with, or what a function of the host threw
 */
export async function runThread(options: ThreadOptions): Promise<unknown> {
  const { signal } = options;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  // Where it is not waited for any more, it is of no interest.
  aborted.promise.catch(() => {});
  try {
    const run = withSlot(() => (signal.aborted ? undefined : runNow(options, aborted.promise)));
    return await Promise.race([run, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function runNow(options: ThreadOptions, aborted: Promise<never>): Promise<unknown> {
  const { heapMb, bytesMb } = options.limits;
  const threadData: ThreadData = { data: options.data, collectAboveBytes: (bytesMb * MB) / 2 };
  const worker = new Worker(options.script, {
    workerData: threadData,
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 32 },
    // It reads what strangers wrote: it has nothing to know of this process, and nothing to print.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  worker.stdout.resume();
  worker.stderr.resume();
  const ended = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `it took longer than ${Math.round(options.limits.seconds)} s`;
    ended.reject(new ThreadEnded("out_of_time", message));
  }, options.limits.seconds * 1000);
  const heard: Heard = { at: performance.now(), calls: 0 };
  let isMeasuring = false;
  const measure = setInterval(async () => {
    const { silentSeconds } = options.limits;
    if (heard.calls === 0 && performance.now() - heard.at > silentSeconds * 1000) {
      ended.reject(new ThreadEnded("out_of_time", `it made no headway for ${silentSeconds} s`));
    }
    if (isMeasuring) return;
    isMeasuring = true;
    // It fails where the thread has ended meanwhile, which is told of below.
    const memory = await worker.getHeapStatistics().catch(() => null);
    isMeasuring = false;
    if (memory && isTooMuch(memory, options.limits)) ended.reject(outOfMemory(options.limits));
  }, MEASURE_MS);
  try {
    return await Promise.race([converse(worker, options, heard), ended.promise, aborted]);
  } finally {
    clearTimeout(timer);
    clearInterval(measure);
    await worker.terminate();
  }
}

/** When the thread last said something or got an answer, and how many of its calls have none yet. */
interface Heard {
  at: number;
  calls: number;
}

function converse(
  worker: Worker,
  { host, limits, onProgress }: ThreadOptions,
  heard: Heard,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const answer = async (id: number, name: string, args: readonly unknown[]) => {
    const call = host[name] as ((...args: readonly unknown[]) => Promise<unknown>) | undefined;
    if (!call) throw new Error(`a thread asked for "${name}", which its host has not`);
    heard.calls++;
    const message: ToThread = { id, value: await call(...args) };
    heard.calls--;
    heard.at = performance.now();
    worker.postMessage(message, movable(message.value));
  };
  worker.on("message", (message: FromThread) => {
    heard.at = performance.now();
    if (message.kind === "call") answer(message.id, message.name, message.args).catch(reject);
    else if (message.kind === "progress") onProgress?.(message.percent, message.message);
    else if (message.kind === "done") resolve(message.result);
    else reject(new ThrownInThread(message.failure));
  });
  worker.once("error", (error: Error) => {
    const isMemory = "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
    const message = `the thread crashed: ${error.message}`;
    reject(isMemory ? outOfMemory(limits) : new ThreadEnded("crashed", message, { cause: error }));
  });
  worker.once("exit", (code) => {
    reject(new ThreadEnded("crashed", `the thread ended with code ${code} and without a result`));
  });
  return promise;
}

/** The heap, too: V8 forgets resourceLimits where the process was started with --max-old-space-size. */
function isTooMuch(memory: HeapInfo, { heapMb, bytesMb }: ThreadLimits): boolean {
  return memory.used_heap_size > heapMb * MB || memory.external_memory > bytesMb * MB;
}

function outOfMemory({ heapMb, bytesMb }: ThreadLimits): ThreadEnded {
  return new ThreadEnded(
    "out_of_memory",
    `it took more than ${heapMb} MB of objects or ${bytesMb} MB of bytes`,
  );
}
