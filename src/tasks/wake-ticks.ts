/** Wakes the job that runs the ticks of schedules (schedules/run/). It never has to: the reconciler runs ticks, too. */
import { and, eq } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { jobs } from "../jobs.ts";
import { deterministicJobId, uuidV7 } from "../platform/ids.ts";
import type { NewJob } from "../platform/queue/add-jobs.ts";
import { scheduleTicks } from "../schema/schedules.ts";
import type { TaskStatus } from "../schema/tasks.ts";
import { workflows } from "../schema/workflows.ts";
import { hasEnded } from "./state.ts";

/** The clocks of the database and of this process may differ by this much, and a tick must not find that it is early. */
const SKEW_MS = 100;

/** Returns the job that runs the ticks of a second. All ticks of the second share it. */
export function tickJob({ now }: Pick<Context, "now">, at: Date): NewJob {
  const second = Math.ceil(at.getTime() / 1000);
  const startAfterSeconds = Math.max(0, Math.ceil((second * 1000 - now().getTime() + SKEW_MS) / 1000));
  return { id: deterministicJobId("ticks", second), payload: {}, startAfterSeconds };
}

/**
 * Returns a job of its own that runs all ticks that are due, for transactions: two of them must not add the same id, because
 * one would wait for the end of the other.
 */
export function ownTickJob({ now }: Pick<Context, "now">, startAfterSeconds = 0): NewJob {
  return { id: uuidV7(now()), payload: {}, startAfterSeconds };
}

/** Ticks can wait for the end of a task. */
export async function wakeWaitingTicks(
  ctx: Context | Tx,
  changed: readonly { readonly scheduleId: string | null; readonly status: TaskStatus }[],
): Promise<void> {
  if (!changed.some(({ scheduleId, status }) => scheduleId !== null && hasEnded(status))) return;
  const job = "afterCommit" in ctx ? ownTickJob(ctx) : tickJob(ctx, new Date(ctx.now().getTime() + 1));
  await ctx.queue.add(ctx.db, jobs.runTicks, [job]);
}

/** Ticks can wait for the end of a workflow. Call it in the transaction that ends the workflow. */
export async function wakeTicksAfterWorkflow(tx: Tx, workflowId: string): Promise<void> {
  const [waiting] = await tx.db
    .select({ scheduleId: scheduleTicks.scheduleId })
    .from(workflows)
    .innerJoin(scheduleTicks, eq(scheduleTicks.scheduleId, workflows.scheduleId))
    .where(and(eq(workflows.id, workflowId), eq(scheduleTicks.state, "waiting")))
    .limit(1);
  if (waiting) await tx.queue.add(tx.db, jobs.runTicks, [ownTickJob(tx)]);
}
