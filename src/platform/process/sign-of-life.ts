/** Long work regularly writes a sign that its process lives, so that other processes notice if it has died. */

/** After this many missed signs in a row, a process counts as dead, not slow. */
const MISSED_SIGNS = 6;

export interface SignOfLife {
  readonly deadAfterMs: number;
  /** Returns the moment before which the last sign of dead processes lies. */
  deadBefore(now: Date): Date;
  /** Calls `write` at every interval until it is disposed, never twice at a time. */
  start(write: () => Promise<unknown>, onError: (error: unknown) => void): Signs;
}

export interface Signs extends Disposable {
  /** Resolves once no sign is being written. */
  settled(): Promise<void>;
}

export function signOfLife(everyMs: number): SignOfLife {
  const deadAfterMs = MISSED_SIGNS * everyMs;
  return {
    deadAfterMs,
    deadBefore: (now) => new Date(now.getTime() - deadAfterMs),
    start(write, onError) {
      let writing: Promise<void> | null = null;
      const timer = setInterval(() => {
        writing ??= write()
          .then(() => {}, onError)
          .finally(() => {
            writing = null;
          });
      }, everyMs).unref();
      return {
        settled: async () => void (await writing),
        [Symbol.dispose]: () => clearInterval(timer),
      };
    },
  };
}

/** For work that lasts as long as a request or a task: uploads, files that are being stored, idempotency keys. */
export const transferLife = signOfLife(20_000);
