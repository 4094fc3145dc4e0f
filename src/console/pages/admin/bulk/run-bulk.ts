/** Changes all that match a filter, in as many requests as it takes. */
import { RowmillError } from "../../../../client/errors.ts";

interface Changed {
  readonly matched: number;
  readonly changed: number;
}

export interface Bulk {
  /** Without a number, it only counts. With one, it changes all matches if there are still so many. */
  readonly send: (expect?: number) => Promise<Changed>;
  readonly onProgress: (done: number) => void;
  /** Stops the run after the request that is running. */
  readonly signal: AbortSignal;
  /** Pauses between two looks at a request that is still running. */
  readonly pause: (signal: AbortSignal) => Promise<void>;
}

export interface BulkResult {
  readonly changed: number;
  /** Matches that are left: the run was stopped, or somebody else changes them or adds more. */
  readonly left: number;
  readonly isStopped: boolean;
}

/** A number that somebody else changes this often in a row makes the run give up. */
const MAX_FRUITLESS = 10;

/**
 * Retried tasks that fail match again, so that the run ends when it has changed as many as there were. It never changes
 * more at a time than the user has confirmed.
 */
export async function runBulk(total: number, { send, onProgress, signal, pause }: Bulk): Promise<BulkResult> {
  let changed = 0;
  let fruitless = 0;
  let matched = total;
  while (matched > 0 && matched <= total && changed < total && fruitless < MAX_FRUITLESS && !signal.aborted) {
    const before = { changed, matched };
    const watching = new AbortController();
    const report = (left: number) => onProgress(Math.min(total, before.changed + before.matched - left));
    const watched = watch(send, pause, watching.signal, report);
    try {
      changed += (await send(matched)).changed;
    } catch (error) {
      // The number of matches has changed since it was read.
      if (!(error instanceof RowmillError && error.status === 409)) throw error;
    } finally {
      watching.abort();
      await watched;
    }
    onProgress(Math.min(total, changed));
    fruitless = changed === before.changed ? fruitless + 1 : 0;
    if (changed < total) matched = (await send()).matched;
  }
  return { changed, left: changed < total ? matched : 0, isStopped: signal.aborted };
}

/** Counts now and then how many are left, until the request has ended. */
async function watch(
  count: () => Promise<Changed>,
  pause: Bulk["pause"],
  signal: AbortSignal,
  onLeft: (matched: number) => void,
): Promise<void> {
  while (!signal.aborted) {
    await pause(signal);
    if (signal.aborted) return;
    // A count that fails is only a gap in the progress.
    const found = await count().catch(() => null);
    if (found && !signal.aborted) onLeft(found.matched);
  }
}
