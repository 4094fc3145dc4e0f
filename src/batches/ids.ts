/**
 * A batch id is a UUIDv7 (RFC 9562) whose low 32 bits are zero. A row's task id is its batch's id with the row
 * number in those bits, so every row has a UUID without a column or an index for it.
 */
import { randomBytes } from "node:crypto";

const ROW_DIGITS = 8;
const NO_ROW = "0".repeat(ROW_DIGITS);

/** Highest row number: the largest `integer` of PostgreSQL. */
export const MAX_ROW_NUMBER = 2 ** 31 - 1;

export function newBatchId(now: Date): string {
  const time = now.getTime().toString(16).padStart(12, "0");
  const random = randomBytes(6);
  const version = 0x7000 | (random.readUInt16BE(0) & 0x0fff);
  const variant = 0x8000 | (random.readUInt16BE(2) & 0x3fff);
  const tail = random.readUInt16BE(4).toString(16).padStart(4, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-${version.toString(16)}-${variant.toString(16)}-${tail}${NO_ROW}`;
}

export function taskIdOf(batchId: string, row: number): string {
  return batchId.slice(0, -ROW_DIGITS) + row.toString(16).padStart(ROW_DIGITS, "0");
}

/** The row that a task id names; null where it can't be a row's (row 0 is the batch itself). */
export function parseTaskId(taskId: string): { batchId: string; row: number } | null {
  const row = Number.parseInt(taskId.slice(-ROW_DIGITS), 16);
  if (row === 0 || row > MAX_ROW_NUMBER) return null;
  return { batchId: taskId.slice(0, -ROW_DIGITS).toLowerCase() + NO_ROW, row };
}
