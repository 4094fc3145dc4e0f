import { asc, lt } from "drizzle-orm";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { retentionLimit } from "../../retention.ts";
import { workflows } from "../../schema/workflows.ts";
import { removeWorkflow } from "../control/delete-workflow.ts";
import { lockWorkflow } from "../queries.ts";

const PAGE = 100;

/**
 * Removes workflows that ended more than RETENTION_DAYS ago, with their tasks, one per transaction.
 * @returns the number of removed workflows
 */
export async function removeOldWorkflows(ctx: Context): Promise<number> {
  const limit = retentionLimit(ctx);
  let removed = 0;
  for (;;) {
    const page = await ctx.db
      .select({ id: workflows.id })
      .from(workflows)
      .where(lt(workflows.endedAt, limit))
      .orderBy(asc(workflows.endedAt))
      .limit(PAGE);
    if (page.length === 0) return removed;
    for (const { id } of page) if (await removeIfOld(ctx, id, limit)) removed++;
  }
}

/** A user may retry or delete the workflow meanwhile. */
function removeIfOld(ctx: Context, id: string, limit: Date): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    try {
      const { endedAt } = await lockWorkflow(tx, null, id);
      if (!endedAt || endedAt >= limit) return false;
    } catch (error) {
      if (error instanceof DomainError && error.code === "not_found") return false;
      throw error;
    }
    await removeWorkflow(tx, id);
    return true;
  });
}
