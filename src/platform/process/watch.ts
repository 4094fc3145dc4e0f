/** A look at something every so often, for as long as work on it lasts. */
export interface Watch extends Disposable {
  /** Aborts with what the look has found. */
  readonly signal: AbortSignal;
}

/**
 * A look twice a second costs nothing beside work that lasts, needs no connection of its own, and works on databases
 * without NOTIFY.
 * @param look finds why the work must stop, or null
 * @param onError told where it could not look; it looks again
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
