import { sql } from "drizzle-orm";
import { accountsChanged } from "../../accounts/account-changes.ts";
import { endResets } from "../../accounts/end-resets.ts";
import { hasOtherAdmin } from "../../accounts/last-admin.ts";
import type { Tx } from "../../context.ts";
import { isEnabledAdmin, users } from "../../schema/accounts.ts";
import type { TargetBatch, UndoOutcome, WrittenRow } from "../target.ts";
import { findUsed } from "./account-uses.ts";
import { recordUndo } from "./record-users.ts";
import type { UserBefore } from "./update-users.ts";

/** Removes created accounts that nobody has used, and restores the email address and the role of updated accounts. */
export async function undoUsers(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly WrittenRow[],
): Promise<UndoOutcome[]> {
  const existing = await lockUsers(tx, rows);
  const needed = await neededAdmins(tx, rows);
  const reversible = rows.filter(({ recordId }) => existing.has(recordId) && !needed.has(recordId));
  const removed = await removeUnused(
    tx,
    reversible.filter(({ effect }) => effect === "created"),
  );
  const restored = await restore(
    tx,
    reversible.filter(({ effect }) => effect === "updated"),
  );
  await recordUndo(tx, batch, [
    ...[...removed].map((recordId) => ({ recordId, action: "account.removed" as const, details: {} })),
    ...reversible.flatMap(({ recordId, before }) => {
      if (!restored.has(recordId)) return [];
      const { role, after } = before as UserBefore;
      const details = { from: after.role, to: role };
      return role === after.role ? [] : [{ recordId, action: "account.role_changed" as const, details }];
    }),
  ]);
  return rows.map(({ recordId, effect, before }) => {
    if (!existing.has(recordId)) return kept("The account was deleted later.");
    if (needed.has(recordId)) return kept("No other enabled administrator would be left.");
    if (effect === "created")
      return removed.has(recordId)
        ? { kind: "reversed" }
        : kept(
            "The account is in use: it has logged in, or owns batches, records, files, tasks, webhooks or tokens.",
          );
    if (!restored.has(recordId)) return kept("The email address or the role was changed later.");
    const { hasNewPassword } = before as UserBefore;
    return hasNewPassword
      ? kept(
          "The email address and the role are restored. The new password stays: old passwords are not stored.",
        )
      : { kind: "reversed" };
  });
}

/** Returns the accounts that were made admins, if no other admin would be left. */
async function neededAdmins(tx: Tx, rows: readonly WrittenRow[]): Promise<ReadonlySet<number>> {
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  const { rows: admins } = await tx.db.execute<{ id: string }>(
    sql`SELECT id FROM rowmill.users WHERE id = ANY(${ids}::bigint[]) AND ${isEnabledAdmin(users)}`,
  );
  const adminIds = admins.map(({ id }) => Number(id));
  return adminIds.length === 0 || (await hasOtherAdmin(tx, adminIds)) ? new Set() : new Set(adminIds);
}

function kept(reason: string): UndoOutcome {
  return { kind: "kept", reason };
}

/** Locks in the order of the names, like `writeUsers`, so that the two cannot deadlock. */
async function lockUsers(tx: Tx, rows: readonly WrittenRow[]): Promise<Set<number>> {
  const ids = sql.param(rows.map(({ recordId }) => recordId));
  const { rows: found } = await tx.db.execute<{ id: string }>(
    sql`SELECT id FROM rowmill.users WHERE id = ANY(${ids}::bigint[]) ORDER BY lower(username) FOR UPDATE`,
  );
  return new Set(found.map(({ id }) => Number(id)));
}

/** Requires the locks on the accounts. */
async function removeUnused(tx: Tx, rows: readonly WrittenRow[]): Promise<Set<number>> {
  const ids = rows.map(({ recordId }) => recordId);
  const used = await findUsed(tx, ids);
  const unused = ids.filter((id) => !used.has(id));
  if (unused.length > 0)
    await tx.db.execute(sql`DELETE FROM rowmill.users WHERE id = ANY(${sql.param(unused)}::bigint[])`);
  return new Set(unused);
}

async function restore(tx: Tx, rows: readonly WrittenRow[]): Promise<Set<number>> {
  if (rows.length === 0) return new Set();
  const users = rows.map(({ recordId, before }) => ({ id: recordId, before: before as UserBefore }));
  const column = (pick: (before: UserBefore) => string) => sql.param(users.map(({ before }) => pick(before)));
  const { rows: restored } = await tx.db.execute<{ id: string }>(sql`
    UPDATE rowmill.users SET email = cells.email, confirmed_email = cells.confirmed_email, role = cells.role::rowmill.user_role
    FROM unnest(${sql.param(users.map(({ id }) => id))}::bigint[], ${column(({ email }) => email)}::text[],
      ${column(({ confirmedEmail = "" }) => confirmedEmail)}::text[],
      ${column(({ role }) => role)}::text[], ${column(({ after }) => after.email)}::text[],
      ${column(({ after }) => after.role)}::text[]) AS cells (id, email, confirmed_email, role, email_after, role_after)
    WHERE users.id = cells.id AND users.email = email_after AND users.role::text = role_after
    RETURNING users.id`);
  const ids = restored.map(({ id }) => Number(id));
  await endResets(tx, ids);
  await accountsChanged(tx, ids);
  return new Set(ids);
}
