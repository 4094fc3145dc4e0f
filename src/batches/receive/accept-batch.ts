import { and, asc, eq, gt, inArray, ne, sql } from "drizzle-orm";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { users } from "../../schema/accounts.ts";
import { batches } from "../../schema/batches.ts";
import { batchChanged } from "../batch-changes.ts";
import { enqueueWork } from "../process/enqueue-work.ts";
import { transitions } from "../state.ts";
import type { RowMarks } from "./plan-chunks.ts";

/** What is known of a file only once all of it was read. */
export interface ReadFile {
  readonly marks: RowMarks;
  readonly contentHash: Buffer;
  readonly fingerprint: Buffer;
  readonly dialect?: Record<string, string | number | boolean>;
  readonly warnings?: Record<string, number>;
}

export interface Acceptance {
  /** A batch of the same fingerprint that runs or has ended well may stand for this one. */
  readonly mayReplay: boolean;
  readonly maxChunkRows: number | undefined;
}

/**
 * Makes a received batch runnable: its chunks and their jobs appear together with its new state.
 * @returns its id; or that of the batch that stands for it, then nothing was changed
 */
export function acceptBatch(
  ctx: Context,
  { id, userId }: { id: string; userId: number },
  { marks, ...facts }: ReadFile,
  { mayReplay, maxChunkRows }: Acceptance,
): Promise<string> {
  const plan = marks.plan(maxChunkRows);
  const { from, to } = transitions.accept;
  return inTransaction(ctx, async (tx) => {
    const first = mayReplay ? await sameBefore(tx, userId, id, facts.fingerprint) : null;
    if (first !== null) return first;
    const now = ctx.now();
    const counts = { totalRows: marks.count, chunksLeft: plan.length };
    const [batch] = await tx.db
      .update(batches)
      .set({ ...facts, ...counts, state: to, queuedAt: now, pacedUntil: now })
      .where(and(eq(batches.id, id), inArray(batches.state, [...from])))
      .returning();
    if (!batch) throw new DomainError("conflict", "The upload was removed before it was complete.");
    const column = (key: "firstRow" | "lastRow" | "rowCount") => sql.param(plan.map((chunk) => chunk[key]));
    await tx.db.execute(sql`
      INSERT INTO rowmill.chunks (batch_id, first_row, last_row, row_count)
      SELECT ${id}, * FROM unnest(${column("firstRow")}::int[], ${column("lastRow")}::int[], ${column("rowCount")}::int[])`);
    await enqueueWork(tx, batch);
    await batchChanged(tx, id);
    return id;
  });
}

const REPLAY_MS = 86_400_000;
const REPLAYED_STATES = ["queued", "processing", "paused", "completed", "completed_with_errors"] as const;

/** The user's lock keeps two uploads of the same file that end at the same moment apart. */
async function sameBefore(tx: Tx, userId: number, id: string, fingerprint: Buffer): Promise<string | null> {
  await tx.db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for("no key update");
  const [same] = await tx.db
    .select({ id: batches.id })
    .from(batches)
    .where(
      and(
        eq(batches.userId, userId),
        eq(batches.fingerprint, fingerprint),
        ne(batches.id, id),
        eq(batches.isDryRun, false),
        inArray(batches.state, [...REPLAYED_STATES]),
        gt(batches.queuedAt, new Date(tx.now().getTime() - REPLAY_MS)),
      ),
    )
    .orderBy(asc(batches.id))
    .limit(1);
  return same?.id ?? null;
}
