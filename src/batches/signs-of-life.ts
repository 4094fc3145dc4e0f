import { eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { transferLife } from "../platform/process/sign-of-life.ts";
import { batches } from "../schema/batches.ts";

/** Keeps the reconciler from removing a batch, or from joining its removal, until it is disposed. */
export function signsOfLife(ctx: Context, batchId: string): Disposable {
  return transferLife.start(
    () => ctx.db.update(batches).set({ receivedAt: ctx.now() }).where(eq(batches.id, batchId)),
    (error) => ctx.log.warn({ err: error, batchId }, "cannot give a sign of life for a batch"),
  );
}
