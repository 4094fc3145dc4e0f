/** Reads of what the `records` target made. Every one is bound to the user who asks. */
import { and, asc, eq, gt, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { notFound } from "../errors.ts";
import { records } from "../schema/targets.ts";

/** `data` as it is stored, as text: parsed, names such as "2" would come first, whatever their order in the header. */
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
  /** Only those of this batch. */
  readonly batchId?: string | undefined;
  /** The key of the last record before. */
  readonly after: number;
  readonly limit: number;
}

/** What a list of records is in the order of: those of one batch in that of the file, else as they were made. */
export function recordKey(batchId: string | undefined): "id" | "row" {
  return batchId === undefined ? "id" : "row";
}

export function listRecords(
  ctx: Context,
  userId: number,
  { batchId, after, limit }: RecordPage,
): Promise<StoredRecord[]> {
  const key = columns[recordKey(batchId)];
  const ofBatch = batchId === undefined ? undefined : eq(records.batchId, batchId);
  return ctx.db
    .select(columns)
    .from(records)
    .where(and(eq(records.userId, userId), ofBatch, gt(key, after)))
    .orderBy(asc(key))
    .limit(limit);
}

/** @throws DomainError `not_found`, also where the record is somebody else's */
export async function getRecord(ctx: Context, userId: number, id: number): Promise<StoredRecord> {
  const [record] = await ctx.db
    .select(columns)
    .from(records)
    .where(and(eq(records.id, id), eq(records.userId, userId)));
  if (!record) throw notFound("record");
  return record;
}
