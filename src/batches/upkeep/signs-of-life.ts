import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { transferLife } from "../../platform/process/sign-of-life.ts";
import { batches } from "../../schema/batches.ts";

/** Keeps the reconciler from removing batches, or from joining their removal, until it is disposed. */
export function signsOfLife(ctx: Context, batchIds: readonly string[]): Disposable {
  // One parameter: a day can have more batches than a statement has parameters.
  const isOne = sql`${batches.id} = ANY(${sql.param([...batchIds])}::uuid[])`;
  return transferLife.start(
    () => ctx.db.update(batches).set({ receivedAt: ctx.now() }).where(isOne),
    (error) => ctx.log.warn({ err: error, batchId: batchIds[0] }, "cannot give a sign of life for a batch"),
  );
}
