import { ilike, type SQL } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";

/** Whether a text has `part`, ignoring case. */
export function containsText(text: PgColumn | SQL, part: string): SQL {
  return ilike(text, `%${part.replace(/[\\%_]/g, "\\$&")}%`);
}
