import { sql } from "drizzle-orm";
import type { Database } from "../postgres/database.ts";
import { scheduleTable } from "./tables.ts";

/** Removes recurring jobs of pg-boss by their names. */
export async function removeQueueSchedules(db: Database, names: readonly string[]): Promise<void> {
  await db.execute(sql`DELETE FROM ${scheduleTable} WHERE name = ANY(${sql.param([...names])}::text[])`);
}
