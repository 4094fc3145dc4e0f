import type { Context, Tx } from "../../context.ts";
import type { HttpDestination } from "../definition/destination.ts";
import { reservePace, takePlace } from "./request-limits.ts";

const DEFAULT_BATCH_SIZE = 100;
export const DEFAULT_IN_FLIGHT = 2;

/** The rows of a request. With a rate, it has the rows of one second, so that requests come evenly. */
export function maxRowsOf({ batch_size = DEFAULT_BATCH_SIZE, rows_per_second }: HttpDestination): number {
  return Math.min(batch_size, rows_per_second ?? batch_size);
}

/**
 * Takes a place for a request until the transaction ends.
 * @returns null if the request may be sent now
 */
export async function takeTurn(
  ctx: Context,
  tx: Tx,
  { name, batchId }: { readonly name: string; readonly batchId: string },
  { max_in_flight = DEFAULT_IN_FLIGHT, rows_per_second }: HttpDestination,
  rows: number,
): Promise<{ readonly kind: "wait"; readonly afterSeconds: number } | null> {
  const pause = await takePlace(ctx, tx, { target: name, batchId, places: max_in_flight });
  if (pause > 0) return { kind: "wait", afterSeconds: pause };
  if (rows_per_second === undefined) return null;
  const afterSeconds = await reservePace(ctx, name, rows, rows_per_second);
  return afterSeconds === 0 ? null : { kind: "wait", afterSeconds };
}
