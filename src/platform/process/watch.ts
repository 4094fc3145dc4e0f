/** Polls a condition while work is in progress. */
export interface Watch extends Disposable {
  /** Aborts with the error that `look` returned. */
  readonly signal: AbortSignal;
}

/**
 * Polling twice a second costs little beside long work, needs no connection of its own, and works without NOTIFY.
 * @param look returns the reason to stop the work, or null
 * @param onError called if `look` fails; polling continues
 */
export function watch(
  everyMs: number,
  look: () => Promise<Error | null>,
  onError: (error: unknown) => void,
): Watch {
  const stopped = new AbortController();
  const timer = setInterval(() => {
    look().then((reason) => {
      if (reason) stopped.abort(reason);
    }, onError);
  }, everyMs);
  return { signal: stopped.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
