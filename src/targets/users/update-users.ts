import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { settledByLaterRows } from "../later-rows.ts";
import type { Outcome, TargetBatch } from "../target.ts";
import type { KeyedRow, User } from "./user-rows.ts";

/** An account as it was before a row updated it, and as the row left it. Old passwords are kept nowhere. */
export interface UserBefore extends Pick<User, "email" | "role"> {
  readonly after: Pick<User, "email" | "role">;
  readonly hasNewPassword: boolean;
}

interface Update {
  readonly row: number;
  readonly recordId: number;
  readonly before: UserBefore;
  readonly passwordHash: string | null;
}

/**
 * Brings accounts up to date that the caller has locked.
 * @returns an outcome for the rows that changed theirs, or may not
 */
export async function updateUsers(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly KeyedRow[],
  hashes: ReadonlyMap<number, string>,
): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  const updates: Update[] = [];
  for (const { row, values, user } of rows) {
    if (!user) continue;
    const { id: recordId, email, role } = user;
    const after = {
      // What the file does not have, or an empty role, stays as it is.
      email: "email" in batch.mapping ? values.email : email,
      role: "role" in batch.mapping && isRole(values.role) ? values.role : role,
    };
    const passwordHash = hashes.get(row) ?? null;
    if (after.role !== role && recordId === batch.userId) outcomes.set(row, ownRole);
    else if (after.email !== email || after.role !== role || passwordHash !== null)
      updates.push({
        row,
        recordId,
        before: { email, role, after, hasNewPassword: passwordHash !== null },
        passwordHash,
      });
  }
  const settled = await settledByLaterRows(tx, batch.id, updates);
  const due = updates.filter(({ recordId }) => !settled.has(recordId));
  await store(tx, due);
  for (const { row, recordId, before } of due)
    outcomes.set(row, { kind: "success", recordId, effect: "updated", before });
  return outcomes;
}

function isRole(role: string): role is User["role"] {
  return role !== "";
}

const ownRole: Outcome = {
  kind: "failed",
  errors: [
    {
      column: "role",
      code: "forbidden",
      message: "role: nobody can change their own; let another admin do it",
    },
  ],
};

/** Who has a new password is logged out everywhere. */
async function store(tx: Tx, updates: readonly Update[]): Promise<void> {
  if (updates.length === 0) return;
  const ids = sql.param(updates.map(({ recordId }) => recordId));
  await tx.db.execute(sql`
    UPDATE rowmill.users SET email = cells.email, role = cells.role::rowmill.user_role,
      password_hash = coalesce(cells.password_hash, users.password_hash)
    FROM unnest(${ids}::bigint[], ${sql.param(updates.map(({ before }) => before.after.email))}::text[],
      ${sql.param(updates.map(({ before }) => before.after.role))}::text[],
      ${sql.param(updates.map(({ passwordHash }) => passwordHash))}::text[]) AS cells (id, email, role, password_hash)
    WHERE users.id = cells.id`);
  const renewed = updates.filter(({ passwordHash }) => passwordHash !== null);
  if (renewed.length === 0) return;
  await tx.db.execute(sql`
    UPDATE rowmill.refresh_tokens SET revoked_at = statement_timestamp()
    WHERE user_id = ANY(${sql.param(renewed.map(({ recordId }) => recordId))}::bigint[]) AND revoked_at IS NULL`);
}
