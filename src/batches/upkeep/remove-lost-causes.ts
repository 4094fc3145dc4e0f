import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";

/**
 * Removes the causes of batches that do not exist. Programs of 0.11.0 leave them if they delete a batch during an upgrade.
 * @returns the number of chunks whose causes were removed
 */
export async function removeLostCauses({ db }: Context): Promise<number> {
  const { rowCount } = await db.execute(sql`
    DELETE FROM rowmill.chunk_causes WHERE NOT EXISTS (SELECT FROM rowmill.batches WHERE id = chunk_causes.batch_id)`);
  return rowCount ?? 0;
}
