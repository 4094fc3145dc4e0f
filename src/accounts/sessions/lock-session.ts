import { eq } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { sessions } from "../../schema/accounts.ts";
import { sessionExpiry } from "./refresh-tokens.ts";

export type Session = typeof sessions.$inferSelect;

/** Locks the session of a refresh token. Creates it for a login of a version before 0.5.0. */
export async function lockSession(
  tx: Tx,
  { userId, familyId }: { userId: number; familyId: string },
): Promise<Session> {
  const locked = () => tx.db.select().from(sessions).where(eq(sessions.id, familyId)).for("update");
  const [known] = await locked();
  if (known) return known;
  await tx.db
    .insert(sessions)
    .values({ id: familyId, userId, expiresAt: sessionExpiry(tx) })
    .onConflictDoNothing();
  const [created] = await locked();
  if (!created) throw new Error(`The session ${familyId} was removed while it was being locked.`);
  return created;
}
