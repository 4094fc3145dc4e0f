import { sql } from "drizzle-orm";
import { accountsChanged } from "../../accounts/account-changes.ts";
import { endResets } from "../../accounts/end-resets.ts";
import { hasOtherAdmin } from "../../accounts/last-admin.ts";
import { endAllSessions } from "../../accounts/sessions/end-sessions.ts";
import { revokeTokens } from "../../accounts/tokens/revoke-token.ts";
import type { Tx } from "../../context.ts";
import { findDecidedByLaterRows } from "../later-rows.ts";
import { failed } from "../outcomes.ts";
import type { Outcome, TargetBatch } from "../target.ts";
import { recordUpdates } from "./record-users.ts";
import type { KeyedRow, User } from "./user-rows.ts";

/** The account before and after a row updated it. Old passwords are not stored. */
export interface UserBefore extends Pick<User, "email" | "role"> {
  /** Absent: version 0.5.0 has written it. */
  readonly confirmedEmail?: string;
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
 * Updates accounts that the caller has locked.
 * @param hashes row number to password hash
 * @returns the outcomes of rows that updated their account or may not; other rows left it unchanged
 */
export async function updateUsers(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly KeyedRow[],
  hashes: ReadonlyMap<number, string>,
): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  const updates: Update[] = [];
  const givesEmail = "email" in batch.mapping;
  const demotions = "role" in batch.mapping ? await refusedDemotions(tx, rows) : new Set();
  for (const { row, values, user } of rows) {
    if (!user) continue;
    const { id: recordId, email, confirmedEmail, role } = user;
    const after = {
      // Columns that the file does not have stay unchanged, and so does the role if the cell is empty.
      email: givesEmail ? values.email : email,
      role: "role" in batch.mapping && isRole(values.role) ? values.role : role,
    };
    const passwordHash = hashes.get(row) ?? null;
    if (after.role !== role && recordId === batch.userId) outcomes.set(row, ownRole);
    else if (after.role !== role && demotions.has(recordId)) outcomes.set(row, lastAdmin);
    else if (
      after.email !== email ||
      (givesEmail && after.email !== confirmedEmail) ||
      after.role !== role ||
      passwordHash !== null
    )
      updates.push({
        row,
        recordId,
        before: { email, confirmedEmail, role, after, hasNewPassword: passwordHash !== null },
        passwordHash,
      });
  }
  const decided = await findDecidedByLaterRows(tx, batch.id, updates);
  const due = updates.filter(({ recordId }) => !decided.has(recordId));
  await store(tx, due, givesEmail);
  await recordUpdates(tx, batch, due);
  for (const { row, recordId, before } of due)
    outcomes.set(row, { kind: "success", recordId, effect: "updated", before });
  return outcomes;
}

/** Returns the admins, if no other one would be left. Two imports can take the role from the owners of each other. */
async function refusedDemotions(tx: Tx, rows: readonly KeyedRow[]): Promise<ReadonlySet<number>> {
  const demoted = rows.filter(
    ({ user, values }) => user?.role === "admin" && isRole(values.role) && values.role !== "admin",
  );
  const ids = demoted.flatMap(({ user }) => user?.id ?? []);
  return ids.length === 0 || (await hasOtherAdmin(tx, ids)) ? new Set() : new Set(ids);
}

function isRole(role: string): role is User["role"] {
  return role !== "";
}

const ownRole = failed(
  "forbidden",
  "role cannot be changed for your own account; ask another administrator",
  "role",
);

const lastAdmin = failed(
  "forbidden",
  "role cannot be changed: no other enabled administrator would be left",
  "role",
);

/** An address that an admin gives is confirmed. Also ends the sessions and the API tokens of accounts that get a new password, and all links of password resets. */
async function store(tx: Tx, updates: readonly Update[], givesEmail: boolean): Promise<void> {
  if (updates.length === 0) return;
  const ids = sql.param(updates.map(({ recordId }) => recordId));
  await tx.db.execute(sql`
    UPDATE rowmill.users SET email = cells.email,
      confirmed_email = CASE WHEN ${givesEmail}::boolean THEN cells.email ELSE confirmed_email END, role = cells.role::rowmill.user_role,
      password_hash = coalesce(cells.password_hash, users.password_hash)
    FROM unnest(${ids}::bigint[], ${sql.param(updates.map(({ before }) => before.after.email))}::text[],
      ${sql.param(updates.map(({ before }) => before.after.role))}::text[],
      ${sql.param(updates.map(({ passwordHash }) => passwordHash))}::text[]) AS cells (id, email, role, password_hash)
    WHERE users.id = cells.id`);
  const withNewPassword = updates.filter(({ passwordHash }) => passwordHash !== null);
  const idsWithNewPassword = withNewPassword.map(({ recordId }) => recordId);
  await endAllSessions(tx, idsWithNewPassword);
  await revokeTokens(tx, idsWithNewPassword);
  await endResets(
    tx,
    updates.map(({ recordId }) => recordId),
  );
  await accountsChanged(
    tx,
    updates.map(({ recordId }) => recordId),
  );
}
