import type pg from "pg";
import { SQLSTATE } from "../../../platform/sqlstates.ts";
import type { ColumnFacts } from "../read/table-facts.ts";
import type { FailedWrite } from "./failed-write.ts";

/** PostgreSQL names no column if a value does not fit its type. Null: several columns may be meant, or none. */
export function findBadColumn(error: pg.DatabaseError, { facts, names, values }: FailedWrite): string | null {
  const suspects = facts.columns.filter((column) => {
    const value = values?.[names.get(column.name) ?? column.name];
    return typeof value === "string" && isSuspect(error, column, value);
  });
  const [suspect, ...others] = suspects;
  return suspect && others.length === 0 ? suspect.name : null;
}

function isSuspect({ code, message }: pg.DatabaseError, column: ColumnFacts, value: string): boolean {
  if (code === SQLSTATE.stringTooLong)
    return column.maxLength !== null && [...value].length > column.maxLength;
  if (message.includes(`"${value}"`)) return true;
  if (code !== SQLSTATE.numberOutOfRange || column.precision === null) return false;
  const digits = /^[-+]?0*(\d*)/.exec(value)?.[1]?.length ?? 0;
  return digits > column.precision - (column.scale ?? 0);
}
