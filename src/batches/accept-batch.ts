import { and, eq, inArray, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import { batches } from "../schema/batches.ts";
import { enqueueWork } from "./enqueue-work.ts";
import type { RowMarks } from "./plan-chunks.ts";
import { transitions } from "./state.ts";

/** What is known of a file only once all of it was read. */
export interface ReadFile {
  readonly marks: RowMarks;
  readonly contentHash: Buffer;
  readonly fingerprint: Buffer;
  readonly dialect: Record<string, string | number | boolean>;
  readonly warnings: Record<string, number>;
}

/** Makes a received batch runnable: its chunks and their jobs appear together with its new state. */
export async function acceptBatch(
  ctx: Context,
  batchId: string,
  { marks, ...facts }: ReadFile,
  maxChunkRows?: number,
): Promise<void> {
  const plan = marks.plan(maxChunkRows);
  const { from, to } = transitions.accept;
  await inTransaction(ctx, async (tx) => {
    const now = ctx.now();
    const [accepted] = await tx.db
      .update(batches)
      .set({
        ...facts,
        state: to,
        totalRows: marks.count,
        chunksLeft: plan.length,
        queuedAt: now,
        pacedUntil: now,
      })
      .where(and(eq(batches.id, batchId), inArray(batches.state, [...from])))
      .returning();
    if (!accepted) throw new DomainError("conflict", "The upload was removed before it was complete.");
    const column = (key: "firstRow" | "lastRow" | "rowCount") => sql.param(plan.map((chunk) => chunk[key]));
    await tx.db.execute(sql`
      INSERT INTO chunks (batch_id, first_row, last_row, row_count)
      SELECT ${batchId}, * FROM unnest(${column("firstRow")}::int[], ${column("lastRow")}::int[], ${column("rowCount")}::int[])`);
    await enqueueWork(tx, accepted);
  });
}
