import { gt, inArray } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { batches, chunkCauses } from "../../schema/batches.ts";

const PAGE = 1000;

/**
 * Removes the causes of batches that do not exist. Programs of 0.11.0 leave them if they delete a batch during an upgrade.
 * @returns the number of batches whose causes were removed
 */
export async function removeLostCauses({ db }: Context): Promise<number> {
  let removed = 0;
  for (let after = "00000000-0000-0000-0000-000000000000"; ; ) {
    const page = await db
      .selectDistinct({ id: chunkCauses.batchId })
      .from(chunkCauses)
      .where(gt(chunkCauses.batchId, after))
      .orderBy(chunkCauses.batchId)
      .limit(PAGE);
    const ids = page.map(({ id }) => id);
    const last = ids.at(-1);
    if (last === undefined) return removed;
    const found = await db.select({ id: batches.id }).from(batches).where(inArray(batches.id, ids));
    const existing = new Set(found.map(({ id }) => id));
    const lost = ids.filter((id) => !existing.has(id));
    if (lost.length > 0) await db.delete(chunkCauses).where(inArray(chunkCauses.batchId, lost));
    removed += lost.length;
    after = last;
  }
}
