/** The history of a row: failures that were retried, and cells that were edited. */
import { inArray, type SQL, sql } from "drizzle-orm";
import type { SelectResultFields } from "drizzle-orm/query-builders/select.types";
import type { Context } from "../context.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { users } from "../schema/accounts.ts";
import { rowHistory } from "../schema/batches.ts";
import type { StoredBatch } from "./queries.ts";
import { getRow, nameBytes, type StoredRow } from "./row-queries.ts";

const fields = {
  id: rowHistory.id,
  event: rowHistory.event,
  at: rowHistory.at,
  userId: rowHistory.userId,
  /** The cells before the edit. */
  fields: rowHistory.fields,
  attempts: rowHistory.attempts,
  errorCode: rowHistory.errorCode,
  errorMessage: rowHistory.errorMessage,
};

type Entry = Readonly<SelectResultFields<typeof fields>>;

export interface StoredRowEvent extends Entry {
  /** The user who retried or edited the row. */
  readonly by: string;
}

/** The newest entries that the row itself shows. */
const SHOWN_ENTRIES = 100;

export interface StoredRowDetail extends StoredRow {
  /** The newest entries, oldest first. */
  readonly events: readonly StoredRowEvent[];
  /** Whether there are older entries. */
  readonly hasOlderEvents: boolean;
}

/** @throws DomainError `not_found` */
export async function getRowDetail(ctx: Context, batch: StoredBatch, row: number): Promise<StoredRowDetail> {
  let rowBytes = 0;
  const reserveRow = (bytes: number) => {
    rowBytes = bytes;
    return ctx.reserveMemory(bytes);
  };
  const stored = await getRow({ ...ctx, reserveMemory: reserveRow }, batch, row);
  const reserveMemory = (bytes: number) => ctx.reserveMemory(rowBytes + bytes);
  const { items, hasMore } = await readPage(
    { ...ctx, reserveMemory },
    {
      fields,
      from: sql`${historyOf(batch, row)} ORDER BY row_history.id DESC`,
      order: sql`id DESC`,
      limit: SHOWN_ENTRIES,
      addedBytes: nameBytes(batch),
    },
  );
  return { ...stored, events: await withNames(ctx, items.toReversed()), hasOlderEvents: hasMore };
}

/** Oldest first. @param after the id of the last entry of the previous page */
export async function listRowHistory(
  ctx: Context,
  batch: StoredBatch,
  row: number,
  { after, limit }: { after: number; limit: number },
): Promise<Found<StoredRowEvent>> {
  const { items, hasMore } = await readPage(ctx, {
    fields,
    from: sql`${historyOf(batch, row)} AND row_history.id > ${after} ORDER BY row_history.id`,
    order: sql`id`,
    limit,
    addedBytes: nameBytes(batch),
  });
  return { items: await withNames(ctx, items), hasMore };
}

/** In a statement of its own: accounts may be on another node than rows. */
async function withNames({ db }: Context, entries: readonly Entry[]): Promise<StoredRowEvent[]> {
  if (entries.length === 0) return [];
  const ids = [...new Set(entries.map(({ userId }) => userId))];
  const found = await db
    .select({ id: users.id, username: users.username })
    .from(users)
    .where(inArray(users.id, ids));
  const names = new Map(found.map(({ id, username }) => [id, username]));
  return entries.map((entry) => ({ ...entry, by: names.get(entry.userId) ?? "" }));
}

function historyOf({ id }: StoredBatch, row: number): SQL {
  return sql`
    rowmill.row_history WHERE row_history.batch_id = ${id} AND row_history.row_number = ${row}`;
}
