import { eq } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { targetDefinitions } from "../../schema/targets.ts";
import { lockName } from "./queries.ts";

/** No upload can start after this. Batches that have started go on, and can be retried and undone. @throws DomainError `not_found` */
export function deleteTarget(ctx: Context, name: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const former = await lockName(tx, name);
    if (!former || former.isDeleted) throw notFound("target");
    await tx.db
      .update(targetDefinitions)
      .set({ deletedAt: tx.now() })
      .where(eq(targetDefinitions.name, name));
    await recordAudit(tx, { action: "target.deleted", subject: { type: "target", id: name } });
  });
}
