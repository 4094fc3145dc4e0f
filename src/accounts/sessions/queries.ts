import { and, desc, eq, gt, isNull, lt } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { sessions } from "../../schema/accounts.ts";
import type { Session } from "./lock-session.ts";

/** The sessions that have not ended, newest first. @param before the last id of the previous page; null: the first page */
export function listSessions(
  { db, now }: Context,
  userId: number,
  { before, limit }: { before: string | null; limit: number },
): Promise<Session[]> {
  return db
    .select()
    .from(sessions)
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.endedAt),
        gt(sessions.expiresAt, now()),
        before === null ? undefined : lt(sessions.id, before),
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(limit);
}
