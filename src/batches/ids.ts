/**
 * A batch id is a UUIDv7 (RFC 9562) whose low 32 bits are zero. A row's id is its batch's id with the row
 * number in those bits, so every row has a UUID without a column or an index for it.
 */
import { uuidV7 } from "../platform/ids.ts";

const ROW_DIGITS = 8;
const NO_ROW = "0".repeat(ROW_DIGITS);

/** Highest row number: the largest `integer` of PostgreSQL. */
export const MAX_ROW_NUMBER = 2 ** 31 - 1;

export function newBatchId(now: Date): string {
  return uuidV7(now).slice(0, -ROW_DIGITS) + NO_ROW;
}

export function rowIdOf(batchId: string, row: number): string {
  return batchId.slice(0, -ROW_DIGITS) + row.toString(16).padStart(ROW_DIGITS, "0");
}
