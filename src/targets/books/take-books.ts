/** In the modes `insert` and `skip_existing` the first row of a key becomes the book, even if it is written last. */
import type { Tx } from "../../context.ts";
import type { DisplacedRow, TargetBatch } from "../target.ts";
import { type BookRow, cellsOf } from "./book-rows.ts";
import { duplicateMessage, findHolders, type Holder } from "./key-holders.ts";
import { updateBooks } from "./update-books.ts";

/**
 * Takes the books that later rows of the same file have created. The caller has inserted the rows whose keys were free.
 * @param holders row number to holder, which is updated
 * @returns row number to the row whose book it takes
 */
export async function takeBooksOfLaterRows(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly BookRow[],
  holders: Map<number, Holder>,
): Promise<ReadonlyMap<number, DisplacedRow>> {
  const own = new Set(rows.map(({ row }) => row));
  const rivals = rows.filter(({ row }) => {
    const holder = holders.get(row);
    return holder?.batchId === batch.id && !own.has(holder.rowNumber ?? 0);
  });
  if (rivals.length === 0) return new Map();
  // Under the lock, so that no other chunk takes one of the books at the same time.
  const noIds = rivals.map(() => 0);
  const locked = await findHolders(tx, batch, cellsOf(noIds, rivals), true);
  const winners = new Map<string, { readonly winner: BookRow; readonly former: Holder }>();
  for (const rival of rivals) {
    const holder = locked.get(rival.row);
    if (!holder) holders.delete(rival.row);
    else if (isBefore(rival, batch, holder) && !winners.has(holder.id))
      winners.set(holder.id, { winner: rival, former: holder });
  }
  for (const [row, holder] of locked) {
    const taken = winners.get(holder.id);
    holders.set(row, taken ? { ...holder, rowNumber: taken.winner.row } : holder);
  }
  const taken = [...winners].map(([id, { winner }]) => {
    return { ...winner.values, id, batch_id: batch.id, row_number: winner.row };
  });
  await updateBooks(tx, batch, taken);
  return new Map([...winners.values()].map(({ winner, former }) => displacement(batch, winner.row, former)));
}

function isBefore({ row }: BookRow, batch: TargetBatch, { batchId, rowNumber }: Holder): boolean {
  return batchId === batch.id && rowNumber !== null && row < rowNumber;
}

function displacement(batch: TargetBatch, row: number, former: Holder): [number, DisplacedRow] {
  const message = duplicateMessage(batch, { ...former, rowNumber: row });
  const error = batch.mode === "skip_existing" ? null : { column: null, code: "duplicate", message };
  return [row, { row: former.rowNumber ?? 0, error, formerMessage: duplicateMessage(batch, former) }];
}
