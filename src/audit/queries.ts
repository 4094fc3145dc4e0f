import { and, desc, eq, getTableColumns, gte, lt, type SQL, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { auditLog } from "../schema/audit.ts";

export type StoredEntry = typeof auditLog.$inferSelect;

export interface AuditFilter {
  readonly actorId?: number;
  /** The name at the time of the entry. */
  readonly actor?: string;
  readonly action?: string;
  readonly subjectType?: string;
  readonly subjectId?: string;
  readonly ownerId?: number;
  readonly address?: string;
  readonly requestId?: string;
  readonly from?: Date;
  readonly before?: Date;
}

export interface EntryPage {
  /** The id of the last entry of the previous page; 0: the first page. */
  readonly before: number;
  readonly limit: number;
  readonly maxBytes?: number;
}

/** Newest first. */
export function listEntries(
  ctx: Context,
  filter: AuditFilter,
  { before, limit, maxBytes }: EntryPage,
): Promise<Found<StoredEntry>> {
  const where = and(before === 0 ? undefined : lt(auditLog.id, before), ...conditions(filter)) ?? sql`true`;
  return readPage(ctx, {
    fields: getTableColumns(auditLog),
    from: sql`${auditLog} WHERE ${where} ORDER BY ${desc(auditLog.id)}`,
    order: sql`id DESC`,
    limit,
    maxBytes,
  });
}

function conditions(filter: AuditFilter): SQL[] {
  const { actorId, actor, action, subjectType, subjectId, ownerId, address, requestId, from, before } =
    filter;
  return [
    ...(actorId === undefined ? [] : [eq(auditLog.actorId, actorId)]),
    ...(actor === undefined ? [] : [eq(auditLog.actorName, actor)]),
    ...(action === undefined ? [] : [eq(auditLog.action, action)]),
    ...(subjectType === undefined ? [] : [eq(auditLog.subjectType, subjectType)]),
    ...(subjectId === undefined ? [] : [eq(auditLog.subjectId, subjectId)]),
    ...(ownerId === undefined ? [] : [eq(auditLog.ownerId, ownerId)]),
    ...(address === undefined ? [] : [eq(auditLog.address, address)]),
    ...(requestId === undefined ? [] : [eq(auditLog.requestId, requestId)]),
    ...(from === undefined ? [] : [gte(auditLog.at, from), isAfter(from)]),
    ...(before === undefined ? [] : [lt(auditLog.at, before), isBefore(before)]),
  ];
}

/** The longest time from the start of a transaction, which is `at`, to the id of its entry. */
const TRANSACTION = sql`interval '10 minutes'`;

/** Ids ascend with time, so a page of an old time needs not read the entries after it. */
function isBefore(moment: Date): SQL {
  return sql`${auditLog.id} < coalesce((
    SELECT later.id FROM rowmill.audit_log AS later WHERE later.at >= ${moment.toISOString()}::timestamptz + ${TRANSACTION}
    ORDER BY later.at LIMIT 1), ${Number.MAX_SAFE_INTEGER})`;
}

function isAfter(moment: Date): SQL {
  return sql`${auditLog.id} > coalesce((
    SELECT earlier.id FROM rowmill.audit_log AS earlier WHERE earlier.at < ${moment.toISOString()}::timestamptz - ${TRANSACTION}
    ORDER BY earlier.at DESC LIMIT 1), 0)`;
}
