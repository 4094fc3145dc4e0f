/** Reads records of one user, which the `records` target has created. */
import { and, eq, gt, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, readOne, readPage } from "../platform/postgres/read-page.ts";
import { records } from "../schema/targets.ts";

/** `data` stays text: parsed, names such as "2" would come first, whatever the order of the header. */
const columns = {
  id: records.id,
  batchId: records.batchId,
  row: records.rowNumber,
  data: sql<string>`${records.data}::text`,
  createdAt: records.createdAt,
};

export type StoredRecord = {
  readonly id: number;
  readonly batchId: string;
  readonly row: number;
  readonly data: string;
  readonly createdAt: Date;
};

export interface RecordPage {
  /** Only the records of this batch. */
  readonly batchId?: string | undefined;
  /** The `recordKey` of the last record of the previous page; 0 for the first page. */
  readonly after: number;
  readonly limit: number;
  readonly maxBytes?: number | undefined;
}

/** The order of a list: the records of one batch in the order of the file, other lists in the order of creation. */
export function recordKey(batchId: string | undefined): "id" | "row" {
  return batchId === undefined ? "id" : "row";
}

export function listRecords(
  ctx: Context,
  userId: number,
  { batchId, after, limit, maxBytes }: RecordPage,
): Promise<Found<StoredRecord>> {
  const key = columns[recordKey(batchId)];
  const ofBatch = batchId === undefined ? undefined : eq(records.batchId, batchId);
  const where = and(eq(records.userId, userId), ofBatch, gt(key, after));
  return readPage(ctx, {
    fields: columns,
    from: sql`${records} WHERE ${where} ORDER BY ${key}`,
    order: sql`${sql.identifier(recordKey(batchId))}`,
    limit,
    maxBytes,
  });
}

/** @throws DomainError `not_found`, also if the record belongs to another user */
export async function getRecord(ctx: Context, userId: number, id: number): Promise<StoredRecord> {
  const where = and(eq(records.id, id), eq(records.userId, userId));
  const record = await readOne(ctx, { fields: columns, from: sql`${records} WHERE ${where}` });
  if (!record) throw notFound("record");
  return record;
}
