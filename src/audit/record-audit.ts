import { type SQL, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { storableJson } from "../platform/postgres/storable.ts";
import { auditLog } from "../schema/audit.ts";
import type { AuditAction } from "./actions.ts";
import { shortened } from "./shortened.ts";

export interface AuditEntry {
  readonly action: AuditAction;
  /** The kind and the id of the thing that changed, such as `queue` and `default`. */
  readonly subject: { readonly type: string; readonly id: string | number };
  /** The user whom the thing belongs to. Absent: nobody. */
  readonly ownerId?: number | null;
  /** Small, and without secrets: what changed, from what to what. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export type Acting = Pick<Context, "db" | "actor" | "requestId" | "address" | "commandLine">;

/** The name of the actor in entries of `npm run cli`. No id and no role: a user may have this name too. */
const COMMAND_LINE = "command line";

/** Records who changed something, in the transaction that changes it. */
export async function recordAudit(tx: Tx, ...entries: readonly AuditEntry[]): Promise<void> {
  await insertEntries(tx, entries);
}

/** Outside of a transaction: records something that changes nothing, such as a failed sign-in or a download. */
export async function recordEvent(ctx: Context, entry: AuditEntry): Promise<void> {
  await insertEntries(ctx, [entry]);
}

/** Stores entries with who acts, in a transaction or outside of one. */
export async function insertEntries(acting: Acting, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const { actorId, actorName, actorRole } = actorOf(acting);
  await acting.db.insert(auditLog).values(
    entries.map(({ action, subject, ownerId = null, details = {} }) => ({
      at: sql`statement_timestamp()`,
      ...{ actorId, actorName, actorRole, action, ownerId },
      subjectType: subject.type,
      subjectId: subjectIdOf(subject),
      requestId: acting.requestId,
      address: addressOf(acting),
      details: jsonOf(details),
    })),
  );
}

export function actorOf({ actor, commandLine }: Acting) {
  if (actor) return { actorId: actor.id, actorName: actor.username, actorRole: actor.role };
  return { actorId: null, actorName: commandLine === null ? null : COMMAND_LINE, actorRole: null };
}

export function addressOf({ address, commandLine }: Acting): string | null {
  return address ?? commandLine;
}

export function subjectIdOf({ id }: AuditEntry["subject"]): string {
  return String(id).slice(0, MAX_SUBJECT);
}

/** The characters of an id, such as a suppressed address. */
const MAX_SUBJECT = 300;

export function jsonOf(details: Readonly<Record<string, unknown>>): SQL {
  return sql`${storableJson(shortened(details))}::json`;
}
