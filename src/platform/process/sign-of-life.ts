/** Long work writes every few seconds that its process still lives, so that others can tell if it has died. */

/** This many missed signs in a row mean that the process is dead, not slow. */
const MISSED_SIGNS = 6;

export interface SignOfLife {
  readonly deadAfterMs: number;
  /** Work whose last sign is from before this moment belongs to a process that is dead. */
  deadBefore(now: Date): Date;
  /** Calls `show` at every interval until disposed of; never twice at a time. */
  start(show: () => Promise<unknown>, onError: (error: unknown) => void): Signs;
}

interface Signs extends Disposable {
  /** Resolves once no sign is under way. */
  settled(): Promise<void>;
}

export function signOfLife(everyMs: number): SignOfLife {
  const deadAfterMs = MISSED_SIGNS * everyMs;
  return {
    deadAfterMs,
    deadBefore: (now) => new Date(now.getTime() - deadAfterMs),
    start(show, onError) {
      let showing: Promise<void> | null = null;
      const timer = setInterval(() => {
        showing ??= show()
          .then(() => {}, onError)
          .finally(() => {
            showing = null;
          });
      }, everyMs).unref();
      return {
        settled: async () => void (await showing),
        [Symbol.dispose]: () => clearInterval(timer),
      };
    },
  };
}

/** Of work that lasts as long as a request or a task: uploads, files that are being stored, idempotency keys. */
export const transferLife = signOfLife(20_000);
