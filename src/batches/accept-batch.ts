import { and, eq, inArray, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../errors.ts";
import { jobs } from "../jobs.ts";
import type { NewJob } from "../platform/queue.ts";
import { batches } from "../schema/batches.ts";
import { chunkJob } from "./batch-jobs.ts";
import { notifyBatch } from "./notify-batch.ts";
import type { RowMarks } from "./plan-chunks.ts";
import { transitions } from "./state.ts";

/** Makes a received batch runnable: its chunks and their jobs appear together with its new state. */
export async function acceptBatch(ctx: Context, batchId: string, marks: RowMarks): Promise<void> {
  const plan = marks.plan();
  const { from, to } = transitions.accept;
  await inTransaction(ctx, async (tx) => {
    const accepted = await tx.db
      .update(batches)
      .set({ state: to, totalRows: marks.count, chunksLeft: plan.length, queuedAt: ctx.now() })
      .where(and(eq(batches.id, batchId), inArray(batches.state, [...from])))
      .returning({ id: batches.id });
    if (accepted.length === 0)
      throw new DomainError("conflict", "The upload was removed before it was complete.");
    const column = (key: "firstRow" | "lastRow" | "rowCount") => sql.param(plan.map((chunk) => chunk[key]));
    await tx.db.execute(sql`
      INSERT INTO chunks (batch_id, first_row, last_row, row_count)
      SELECT ${batchId}, * FROM unnest(${column("firstRow")}::int[], ${column("lastRow")}::int[], ${column("rowCount")}::int[])`);
    const added: NewJob[] = plan.map(({ firstRow }) => chunkJob({ batchId, firstRow }, 1));
    await tx.queue.add(tx.db, jobs.processChunk, added);
    await notifyBatch(tx, batchId);
  });
}
