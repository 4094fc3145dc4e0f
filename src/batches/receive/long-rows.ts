/**
 * Lets the uploads of a process read their long rows one after another. A row of 4 MiB takes about 30 MiB while it is parsed
 * and stored, and leaves more garbage: twelve uploads with such rows brought an API to 680 MiB; in turns, it stays at 300.
 */
import { DomainError } from "../../errors.ts";
import type { LongRow } from "../../platform/csv/open-csv.ts";
import { FairSlots, NoSlot } from "../../platform/fair-slots.ts";
import { leaveGarbage } from "../../platform/process/garbage.ts";

/** About as long as a long row may be. */
const LONG_ROW_BYTES = 4 * 2 ** 20;
/** Longer than ten other users can take with rows that arrive slowly. */
const WAIT_MS = 300_000;

const slots = new FairSlots({
  total: 1,
  perUser: 1,
  waiting: Number.POSITIVE_INFINITY,
  waitMs: WAIT_MS,
});

/** The long row that an upload reads. Dispose of it at the end of the upload. */
export function longRowOf(userId: number): LongRow & Disposable {
  let slot: Disposable | undefined;
  const release = () => {
    slot?.[Symbol.dispose]();
    slot = undefined;
  };
  return {
    async hold() {
      if (slot) return;
      slot = await slots.take(String(userId), neverAborted).catch((error: unknown) => {
        throw error instanceof NoSlot ? tooMany() : error;
      });
      // The long row before this one has been stored.
      leaveGarbage(LONG_ROW_BYTES);
    },
    release,
    get isWanted() {
      return slots.isWanted;
    },
    [Symbol.dispose]: release,
  };
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

function tooMany(): DomainError {
  const message =
    "Too many uploads have long rows at the moment. Send the file again later, or make its rows shorter.";
  return new DomainError("unavailable", message, { retryAfterSeconds: 60 });
}
