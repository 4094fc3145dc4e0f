/** Limits how many chunks of one user write plain rows at a time, if the database takes the cores of this machine. */
import { availableParallelism } from "node:os";
import type { Context } from "../../../context.ts";
import { FairSlots, NoSlot } from "../../../platform/fair-slots.ts";
import { onePer } from "../../../platform/one-per.ts";
import type { ChunkInput } from "../read/chunk-input.ts";
import { plainOf } from "./write-plain-rows.ts";

/** The statement of a smaller chunk is short. */
const MIN_ROWS = 1000;
/** A statement takes a fraction of this. Other transactions may hold up the statements that have the slots. */
const WAIT_MS = 1000;

const slotsOf = onePer<Context["pool"], FairSlots>();

/** As many slots per user as there are cores. A user with nothing running never waits. */
export function plainSlots({ pool }: Pick<Context, "pool">): FairSlots {
  const rules = { perUser: availableParallelism(), total: Number.POSITIVE_INFINITY };
  return slotsOf(pool, () => new FairSlots({ ...rules, waiting: Number.POSITIVE_INFINITY, waitMs: WAIT_MS }));
}

/**
 * More statements than cores are not faster, and all other programs of the machine wait longer for a core. Call it before the transaction
 * of the chunk has a lock or a snapshot. A chunk that has waited for a second needs no slot.
 * @returns a stack without a slot if the chunk needs none
 * @throws the reason of the signal
 */
export async function takePlainSlot(
  ctx: Context,
  input: ChunkInput & { readonly rowCount: number },
  signal: AbortSignal,
): Promise<DisposableStack> {
  const held = new DisposableStack();
  const isCitus = ctx.config.databaseBackend === "citus";
  if (!ctx.sharesMachine || isCitus || input.rowCount < MIN_ROWS || !plainOf(input)) return held;
  try {
    held.use(await plainSlots(ctx).take(String(input.batch.userId), () => signal));
  } catch (error) {
    if (!(error instanceof NoSlot)) throw error;
  }
  return held;
}
