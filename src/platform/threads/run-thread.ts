/** Runs work on untrusted files in a thread, which cannot block the process or exceed its limits of memory and time. */
import type { HeapInfo } from "node:v8";
import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import type { Failure, FromThread, Host, ThreadData, ToThread } from "./messages.ts";
import { movable } from "./messages.ts";

export interface ThreadLimits {
  /** Memory for JavaScript objects and strings. */
  readonly heapMb: number;
  /** Memory outside the heap, such as buffers, which V8 does not limit. */
  readonly bytesMb: number;
  /** From the start of the thread. */
  readonly seconds: number;
  /** The longest time without a message from the thread while it waits for no call: it may be in an endless loop. */
  readonly silentSeconds: number;
}

export interface ThreadOptions {
  /** A script that calls serveThread. */
  readonly script: URL;
  /** Copied into the thread. */
  readonly data: unknown;
  /** Functions that the thread can call. If one throws, the thread ends and runThread throws the same error. */
  readonly host: Host;
  /** Ends the thread at once. runThread then throws the reason. */
  readonly signal: AbortSignal;
  readonly limits: ThreadLimits;
  readonly onProgress?: (percent: number, message?: string) => void;
}

/** The thread ended without a result. */
export class ThreadEnded extends Error {
  override name = "ThreadEnded";
  readonly why: "out_of_memory" | "out_of_time" | "crashed";

  constructor(why: ThreadEnded["why"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** An error that the script threw. */
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

/** The most threads per process at a time. More would share the same few cores, and each takes memory. */
export const MAX_THREADS = 2;
/** The interval of memory checks. In between, a thread can exceed its limit, by about 30 MB if it unpacks zeros. */
const MEASURE_MS = 25;
const MB = 1e6;

const withSlot = pLimit(MAX_THREADS);

/**
 * Runs a script in a thread and returns its result.
 * @throws ThreadEnded, ThrownInThread, the reason of the signal, or the error of a function of the host
 */
export async function runThread(options: ThreadOptions): Promise<unknown> {
  const { signal } = options;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  // An abort after the end must not be an unhandled rejection.
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
    // A script that untrusted input might take over must not see this environment or print.
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
  const activity: Activity = { at: performance.now(), calls: 0 };
  let isMeasuring = false;
  const measure = setInterval(async () => {
    const { silentSeconds } = options.limits;
    if (activity.calls === 0 && performance.now() - activity.at > silentSeconds * 1000) {
      ended.reject(new ThreadEnded("out_of_time", `it made no progress for ${silentSeconds} s`));
    }
    if (isMeasuring) return;
    isMeasuring = true;
    // Fails if the thread has ended meanwhile. The event `exit` reports that.
    const memory = await worker.getHeapStatistics().catch(() => null);
    isMeasuring = false;
    if (memory && isTooMuch(memory, options.limits)) ended.reject(outOfMemory(options.limits));
  }, MEASURE_MS);
  try {
    return await Promise.race([serveCalls(worker, options, activity), ended.promise, aborted]);
  } finally {
    clearTimeout(timer);
    clearInterval(measure);
    await worker.terminate();
  }
}

/** When the thread last sent a message or received an answer, and the number of its unanswered calls. */
interface Activity {
  at: number;
  calls: number;
}

/** Answers the calls of a thread until it sends its result. */
function serveCalls(
  worker: Worker,
  { host, limits, onProgress }: ThreadOptions,
  activity: Activity,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const answer = async (id: number, name: string, args: readonly unknown[]) => {
    const call = host[name] as ((...args: readonly unknown[]) => Promise<unknown>) | undefined;
    if (!call) throw new Error(`A thread called "${name}", which its host does not have.`);
    activity.calls++;
    const message: ToThread = { id, value: await call(...args) };
    activity.calls--;
    activity.at = performance.now();
    worker.postMessage(message, movable(message.value));
  };
  worker.on("message", (message: FromThread) => {
    activity.at = performance.now();
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

/** Checks the heap as well, because V8 ignores resourceLimits if the process was started with --max-old-space-size. */
function isTooMuch(memory: HeapInfo, { heapMb, bytesMb }: ThreadLimits): boolean {
  return memory.used_heap_size > heapMb * MB || memory.external_memory > bytesMb * MB;
}

function outOfMemory({ heapMb, bytesMb }: ThreadLimits): ThreadEnded {
  return new ThreadEnded(
    "out_of_memory",
    `it took more than ${heapMb} MB of objects or ${bytesMb} MB of bytes`,
  );
}
