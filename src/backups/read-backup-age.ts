import { sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { backups } from "../schema/backups.ts";

/** @returns the seconds since the latest complete backup has ended; null: none exists */
export async function readBackupAge({ db }: Pick<Context, "db">): Promise<number | null> {
  const { rows } = await db.execute<{ age: number | null }>(sql`
    SELECT extract(epoch FROM now() - max(finished_at))::float8 AS age FROM ${backups} WHERE state = 'completed'`);
  return rows[0]?.age ?? null;
}
