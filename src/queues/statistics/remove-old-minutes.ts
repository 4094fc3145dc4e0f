import { lt } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { DAY_MS } from "../../platform/durations.ts";
import { statistics } from "../../schema/statistics.ts";

/** A day more than the longest range. */
const KEPT_MS = 8 * DAY_MS;

/** Removes the numbers of more than eight days ago. @returns the number of minutes */
export async function removeOldMinutes({ db, now }: Context): Promise<number> {
  const { rowCount } = await db
    .delete(statistics)
    .where(lt(statistics.minute, new Date(now().getTime() - KEPT_MS)));
  return rowCount ?? 0;
}
