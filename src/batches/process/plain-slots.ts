/** Limits how many statements of one user write plain rows at a time, if they take the cores of this machine. */
import { availableParallelism } from "node:os";
import type { Context } from "../../context.ts";
import { FairSlots, NoSlot } from "../../platform/fair-slots.ts";
import { onePer } from "../../platform/per-program.ts";

/** For smaller chunks, the statement is short. */
const MIN_ROWS = 1000;
/** A statement takes a fraction of this. Other transactions may hold up the statements that have the slots. */
const WAIT_MS = 1000;

const slotsOf = onePer<Context["pool"], FairSlots>();

/** As many slots per user as there are cores. A user with nothing running never waits. */
export function plainSlots({ pool }: Context): FairSlots {
  const rules = { perUser: availableParallelism(), total: Number.POSITIVE_INFINITY };
  return slotsOf(pool, () => new FairSlots({ ...rules, waiting: Number.POSITIVE_INFINITY, waitMs: WAIT_MS }));
}

const NO_SLOT: Disposable = { [Symbol.dispose]() {} };

/**
 * More statements than cores are not faster, and everything else on the machine waits longer for a core. A server on another
 * machine may have more cores than this one, so its statements need no slot. Neither do those that have waited for a second.
 * @param isLocal whether the server runs on this machine
 * @throws the reason of the signal
 */
export async function takePlainSlot(
  ctx: Context,
  userId: number,
  { isLocal, rowCount }: { readonly isLocal: boolean; readonly rowCount: number },
  signal: AbortSignal,
): Promise<Disposable> {
  if (!isLocal || rowCount < MIN_ROWS || ctx.config.databaseBackend === "citus") return NO_SLOT;
  try {
    return await plainSlots(ctx).take(String(userId), () => signal);
  } catch (error) {
    if (error instanceof NoSlot) return NO_SLOT;
    throw error;
  }
}
