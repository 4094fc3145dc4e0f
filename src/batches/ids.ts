/**
 * A batch id is a UUIDv7 (RFC 9562) whose low 32 bits are zero. The id of a row is the id of its batch with the row
 * number in these bits. So every row has a UUID without a column or an index for it.
 */
import { uuidV7 } from "../platform/ids.ts";

const ROW_DIGITS = 8;
const NO_ROW = "0".repeat(ROW_DIGITS);

/** The largest `integer` of PostgreSQL. */
export const MAX_ROW_NUMBER = 2 ** 31 - 1;

/** Returns a UUID of version 7 whose last 32 bits are zero. */
export function newBatchId(now: Date): string {
  return uuidV7(now).slice(0, -ROW_DIGITS) + NO_ROW;
}

/** Returns the UUID of a row: the id of its batch, with the row number in the last 32 bits. */
export function rowIdOf(batchId: string, row: number): string {
  return batchId.slice(0, -ROW_DIGITS) + row.toString(16).padStart(ROW_DIGITS, "0");
}
