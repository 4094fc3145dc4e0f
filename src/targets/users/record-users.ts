/** Entries of the audit log for imports of accounts. Their actor is the admin who has uploaded the file. */
import { eq } from "drizzle-orm";
import { type AuditEntry, recordAudit } from "../../audit/record-audit.ts";
import type { Tx } from "../../context.ts";
import { users } from "../../schema/accounts.ts";
import type { TargetBatch } from "../target.ts";
import type { KeyedRow, User } from "./user-rows.ts";

/** Records the accounts that a file has created. */
export async function recordCreations(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly KeyedRow[],
  ids: ReadonlyMap<number, number>,
): Promise<void> {
  const entries = rows.map(({ row, values: { username, role } }) =>
    entryOf(batch, row, "account.created", ids.get(row) ?? 0, {
      username,
      role: role || "user",
      by: "import",
    }),
  );
  await record(tx, batch.userId, entries);
}

interface Update {
  readonly row: number;
  readonly recordId: number;
  readonly before: Names & { readonly after: Names };
  readonly passwordHash: string | null;
}

type Names = Pick<User, "email" | "role">;

/** Records each role, address and password that a file has changed. */
export async function recordUpdates(tx: Tx, batch: TargetBatch, updates: readonly Update[]): Promise<void> {
  const entries = updates.flatMap(({ row, recordId, before, passwordHash }) => {
    const { role, email, after } = before;
    const entry = (action: AuditEntry["action"], details: object) =>
      entryOf(batch, row, action, recordId, details);
    return [
      ...(after.role === role ? [] : [entry("account.role_changed", { from: role, to: after.role })]),
      ...(after.email === email ? [] : [entry("account.email_changed", { from: email, to: after.email })]),
      ...(passwordHash === null ? [] : [entry("account.password_changed", { by: "import" })]),
    ];
  });
  await record(tx, batch.userId, entries);
}

/** An undo of the batch has changed these accounts back. */
export async function recordUndo(
  tx: Tx,
  batch: TargetBatch,
  undone: readonly {
    readonly recordId: number;
    readonly action: AuditEntry["action"];
    readonly details: object;
  }[],
): Promise<void> {
  const entries = undone.map(({ recordId, action, details }) =>
    entryOf(batch, null, action, recordId, { ...details, by: "undo" }),
  );
  await record(tx, batch.userId, entries);
}

function entryOf(
  { id }: TargetBatch,
  row: number | null,
  action: AuditEntry["action"],
  accountId: number,
  details: object,
): AuditEntry {
  return {
    action,
    subject: { type: "account", id: accountId },
    ownerId: accountId,
    details: { ...details, batch_id: id, ...(row === null ? {} : { row }) },
  };
}

async function record(tx: Tx, userId: number, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const [admin] = await tx.db
    .select({ id: users.id, username: users.username, role: users.role })
    .from(users)
    .where(eq(users.id, userId));
  const actor = admin ? { ...admin, proof: "password" as const } : null;
  await recordAudit({ ...tx, actor }, ...entries);
}
