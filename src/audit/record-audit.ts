import { sql } from "drizzle-orm";
import type { Tx } from "../context.ts";
import { storableJson } from "../platform/postgres/storable.ts";
import { auditLog } from "../schema/audit.ts";

export interface AuditEntry {
  /** A noun and a past participle, such as `queue.paused`. */
  readonly action: string;
  /** The kind and the id of the thing that changed, such as `queue` and `default`. */
  readonly subject: { readonly type: string; readonly id: string | number };
  /** The user whom the thing belongs to. Absent: nobody. */
  readonly ownerId?: number | null;
  /** Small, and without secrets: what changed, from what to what. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Records who changed something, in the transaction that changes it. */
export async function recordAudit(
  { db, actor, requestId, address }: Tx,
  { action, subject, ownerId = null, details = {} }: AuditEntry,
): Promise<void> {
  await db.insert(auditLog).values({
    at: sql`statement_timestamp()`,
    actorId: actor?.id ?? null,
    actorName: actor?.username ?? null,
    actorRole: actor?.role ?? null,
    action,
    subjectType: subject.type,
    subjectId: String(subject.id),
    ownerId,
    requestId,
    address,
    details: sql`${storableJson(details)}::json`,
  });
}
