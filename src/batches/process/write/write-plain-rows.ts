/** Writes the plain rows of a chunk in the database, without reading them. */
import { type SQL, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Context, Tx } from "../../../context.ts";
import { postgresError } from "../../../platform/postgres/database.ts";
import { SQLSTATE } from "../../../platform/sqlstates.ts";
import { allocateIdArray } from "../../../targets/allocate-ids.ts";
import { isRemote } from "../../../targets/target.ts";
import type { OpenChunk } from "../../settle/lock-chunk.ts";
import type { RowsInput } from "../read/chunk-input.ts";
import { isOpen, type OpenRow, SLICE_BYTES } from "../read/read-open-rows.ts";
import { endStatementOnAbort } from "./end-statement.ts";
import type { RecordsShare } from "./lock-trouble.ts";
import { tryWrite } from "./try-write.ts";
import { writeNewRecords } from "./write-new-records.ts";

/** For smaller chunks, a statement that writes few rows costs little. */
const MIN_ROWS_TO_LEARN = 1000;

/** Batches with a large chunk of which most rows were not plain, such as updates of existing records. */
const mostlyOther = new LRUCache<string, true>({ max: 1000 });

/** Targets whose statements the database does not support, as another version of Citus may not. This process reads all of their rows. */
const unsupported = new WeakSet<object>();

/** Row numbers include blank lines. A chunk with many of them would reserve many ids in vain. */
const MAX_NUMBERS_PER_ROW = 2;

export interface PlainRows {
  /** The number of rows that were written. */
  readonly count: number;
  /** Adds the ids that are reserved for the records of other rows. */
  withIds(rows: readonly OpenRow[]): readonly OpenRow[];
}

export const NO_PLAIN_ROWS: PlainRows = { count: 0, withIds: (rows) => rows };

/** Undefined: the worker reads all rows of the batch. */
function setTargetOf({ target, batch }: RowsInput) {
  return isRemote(target) || target.secrets || mostlyOther.has(batch.id) ? undefined : target;
}

/** How the database may write rows of the batch that the worker does not read; undefined: it may not. */
export function plainOf(input: RowsInput) {
  const plain = setTargetOf(input)?.plain;
  return plain && !unsupported.has(plain) ? plain : undefined;
}

/**
 * Stores the results of the rows that it writes. All other rows stay open, and are read and checked one by one. An error
 * that a row may have caused leaves every row open.
 * @param ctx outside the transaction, to end the statement when the signal aborts
 * @throws the reason of the signal, or the exception if the transaction is lost
 */
export async function writePlainRows(
  ctx: Context,
  tx: Tx,
  input: RowsInput,
  chunk: OpenChunk,
  { isShared, pid }: RecordsShare,
  signal: AbortSignal,
): Promise<PlainRows> {
  const { batch } = input;
  const target = setTargetOf(input);
  if (target?.newRecords)
    return { ...NO_PLAIN_ROWS, count: await writeNewRecords(ctx, tx, { batch, target }, chunk, signal) };
  const plain = plainOf(input);
  if (!plain) return NO_PLAIN_ROWS;
  const numbers = chunk.lastRow - chunk.firstRow + 1;
  // PostgreSQL sorts the cells: in its memory for most chunks, and in a file if a row is large.
  const isSmall = chunk.bytes !== null && chunk.bytes <= SLICE_BYTES;
  if (!isSmall || numbers > chunk.rowCount * MAX_NUMBERS_PER_ROW) return NO_PLAIN_ROWS;
  const { table, inserts } = plain;
  await using _ = await endStatementOnAbort(ctx, tx, signal, pid);
  const ids = await allocateIdArray(tx, table, numbers);
  const id = sql`(${ids}::bigint[])[row_number - ${chunk.firstRow - 1}::int]`;
  const onError = (error: unknown) => {
    if (postgresError(error)?.code !== SQLSTATE.featureNotSupported) return;
    unsupported.add(plain);
    ctx.log.warn(
      { err: error, target: input.target.name },
      "the database cannot write plain rows; reading every row",
    );
  };
  let count: number | undefined;
  for (const { statement, isUnordered } of inserts(batch, { isOpen: isOpen(chunk), id })) {
    if (count !== undefined || unsupported.has(plain)) break;
    if (isUnordered && !isShared) continue;
    const write = () => writeAndStore(tx, statement, chunk);
    count = await tryWrite(tx, signal, write, { mayWait: !isUnordered, onError });
  }
  const isMostlyOther = (count ?? 0) < chunk.rowCount / 2;
  if (isMostlyOther && chunk.rowCount >= MIN_ROWS_TO_LEARN) mostlyOther.set(batch.id, true);
  const list = count === chunk.rowCount ? [] : ids.slice(1, -1).split(",").map(Number);
  return {
    count: count ?? 0,
    withIds: (rows) => rows.map((row) => ({ ...row, id: list[row.row - chunk.firstRow] })),
  };
}

/** One statement, so that neither cells nor ids travel. Results are stored in the order of the file, which readers follow. */
async function writeAndStore(tx: Tx, insert: SQL, { batchId, attempt }: OpenChunk): Promise<number> {
  const { rowCount } = await tx.db.execute(sql`
    WITH written AS (${insert})
    INSERT INTO rowmill.row_results (batch_id, row_number, status, attempts, record_id, effect, completed_at)
    SELECT ${batchId}, row_number, 'success', ${attempt}, record_id, 'created', statement_timestamp()
    FROM written ORDER BY row_number`);
  return rowCount ?? 0;
}
