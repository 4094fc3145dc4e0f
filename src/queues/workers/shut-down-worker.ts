import { and, eq, isNull, sql } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction, publishChange } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { workers } from "../../schema/workers.ts";
import { getWorker, type StoredWorker } from "./queries.ts";

/** The payload is the id of a worker that is asked to stop, or to report the events of its jobs. */
export const WORKER_CHANNEL = "rowmill_worker";

/**
 * Asks a worker to stop, which it does within about a second, as after SIGTERM: it takes no more jobs, finishes running
 * ones, and returns those that take too long. Does nothing if the worker is already stopping.
 * @throws DomainError `not_found`; `conflict` if the worker is lost
 */
export function shutDownWorker(ctx: Context, id: string): Promise<StoredWorker> {
  return inTransaction(ctx, async (tx) => {
    const { isAlive, host, pid, lastSeenAt } = await getWorker(tx, id);
    if (!isAlive) {
      const seen = `It was last seen at ${lastSeenAt.toISOString()} (process ${pid} on ${host}).`;
      throw new DomainError("conflict", `The worker is lost and cannot be shut down. ${seen}`);
    }
    const asked = await tx.db
      .update(workers)
      .set({ stoppingAt: sql`statement_timestamp()` })
      .where(and(eq(workers.id, id), isNull(workers.stoppingAt)))
      .returning({ id: workers.id });
    if (asked.length > 0) {
      const subject = { type: "worker", id };
      await recordAudit(tx, { action: "worker.shut_down", subject, details: { host, pid } });
    }
    await publishChange(
      tx,
      WORKER_CHANNEL,
      asked.map((worker) => worker.id),
    );
    return getWorker(tx, id);
  });
}
