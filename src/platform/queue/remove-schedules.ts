import { sql } from "drizzle-orm";
import { QUEUE_SCHEMA } from "../../schema/columns.ts";
import type { Database } from "../postgres/database.ts";

/** Removes recurring jobs of pg-boss by their names. */
export async function removeQueueSchedules(db: Database, names: readonly string[]): Promise<void> {
  await db.execute(
    sql`DELETE FROM ${sql.identifier(QUEUE_SCHEMA)}.schedule WHERE name = ANY(${sql.param([...names])}::text[])`,
  );
}
